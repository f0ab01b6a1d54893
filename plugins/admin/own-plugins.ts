/** The plugins that the API stands on. */
import { adminError } from './errors.ts'

/** Plugins whose changes would cut off the request that asks for them. */
const ownPlugins = ['admin', 'audit', 'store']

/** @throws ADMIN_INVALID for a plugin that the API itself stands on */
export function refuseOwn(plugin: string): void {
  if (!ownPlugins.includes(plugin)) return
  const detail = `${plugin} carries this API and cannot be changed through it; use the command line on the machine, or restart Arkwatch`
  throw adminError('ADMIN_INVALID', { errors: [{ pointer: '', detail }] })
}
