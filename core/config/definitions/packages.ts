/** The npm packages that only one plugin needs. */
import type { AnyPlugin } from '../../contract/definition.ts'
import { type ArkwatchError, coreError } from '../../contract/errors.ts'

/** @returns PACKAGE_MISSING for the first package of the plugin that is not installed */
export function missingPackage(plugin: string, { packages = [] }: AnyPlugin): ArkwatchError | undefined {
  for (const name of packages) {
    try {
      import.meta.resolve(name)
    } catch (cause) {
      return coreError('PACKAGE_MISSING', { plugin, package: name }, cause)
    }
  }
  return undefined
}
