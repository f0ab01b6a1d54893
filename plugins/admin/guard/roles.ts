/** PURE. What each role may call. */
import type { Access, Principal, Role } from '../api.ts'

const allowed: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ['viewer'],
  operator: ['viewer', 'operator'],
  admin: ['viewer', 'operator', 'admin', 'auditor'],
  auditor: ['viewer', 'auditor'],
}

/** Whether a role may call what asks for an access. */
export const mayCall = (role: Role, access: Access): boolean => access === 'public' || allowed[role].includes(access)

export const accessLevels = ['none', 'read-only', 'unrestricted'] as const
export type AccessLevel = (typeof accessLevels)[number]

/** Groups that are closed unless the configuration opens them. */
export const closedGroups: readonly string[] = ['shutdown', 'heapdump']

/** @see https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.controlling-access */
export function levelOf(
  group: string,
  configured: Readonly<Record<string, AccessLevel>>,
  cap: AccessLevel = 'unrestricted',
): AccessLevel {
  const own = configured[group] ?? (closedGroups.includes(group) ? 'none' : 'unrestricted')
  return accessLevels[Math.min(accessLevels.indexOf(own), accessLevels.indexOf(cap))]!
}

/** Why a principal may not call an operation; undefined when it may. */
export function refusalOf(
  principal: Pick<Principal, 'role' | 'scopes'>,
  { access, group }: { readonly access: Access; readonly group: string },
): 'role' | 'scope' | undefined {
  if (!mayCall(principal.role, access)) return 'role'
  return principal.scopes.length > 0 && !principal.scopes.includes(group) ? 'scope' : undefined
}
