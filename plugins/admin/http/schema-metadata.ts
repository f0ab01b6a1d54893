/**
 * The metadata of the schemas of admin routes. The library keeps them in a Map that holds every schema for good, and
 * each composition makes schemas anew: a WeakMap, as in zod's own registries, lets those of a replaced one go.
 */
import { zodToOpenAPIRegistry } from '@asteasolutions/zod-to-openapi'

type Metadata = typeof zodToOpenAPIRegistry._map
const known = zodToOpenAPIRegistry._map as Metadata & Iterable<never>
// It is a WeakMap already where another copy of this module came first.
if (Symbol.iterator in known) zodToOpenAPIRegistry._map = new WeakMap(known)
