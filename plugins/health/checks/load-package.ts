/** The import of an optional package when a check first needs the package. */
import { healthError } from '../errors.ts'

const packages: Readonly<Record<string, () => Promise<unknown>>> = {
  postgres: () => import('postgres'),
  ioredis: () => import('ioredis'),
}

const isMissing = (thrown: unknown): boolean => {
  const { code, message } = thrown as { code?: string; message?: string }
  return code === 'ERR_MODULE_NOT_FOUND' || /cannot find (package|module)/i.test(message ?? '')
}

/** @param load imports the package @returns the module @throws HEALTH_PACKAGE_MISSING */
export async function loadPackage<T>(name: string, load = packages[name]): Promise<T> {
  try {
    return (await load!()) as T
  } catch (thrown) {
    throw isMissing(thrown) ? healthError('HEALTH_PACKAGE_MISSING', { package: name }, thrown) : thrown
  }
}
