/** Marks a field that must never be shown. */
import { z } from 'zod'

/** A string schema whose value is shown as `[redacted]` everywhere. */
export const secret = () => z.string().meta({ writeOnly: true, format: 'password' })
