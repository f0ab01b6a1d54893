/** The plugins that the API stands on. */
import { adminError } from '../errors.ts'

/** Without them nobody could ask for anything, or it would not be on record. */
const ownPlugins = ['admin', 'audit', 'store']

/** @throws ADMIN_OWN_PLUGIN for a plugin that the API itself stands on */
export function refuseOwn(plugin: string): void {
  if (ownPlugins.includes(plugin)) throw adminError('ADMIN_OWN_PLUGIN', { plugin })
}
