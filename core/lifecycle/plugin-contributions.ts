/** The contributions of one instance: published and withdrawn with the instance; a refused one degrades the plugin. */
import { coreError } from '../contract/errors.ts'
import type { Contribution } from '../contract/tokens.ts'
import { checkContribution } from './check-parts.ts'
import type { ExtensionRegistry } from './extension-registry.ts'

interface Owner {
  readonly name: string
  fault(phase: string, error: unknown, logsRepeats: boolean): void
  hold(source: object, reason: string | undefined): void
  /** Counts and logs an error. */
  failed(error: Error): void
}

/** What stands for the routes among the contributions that are refused. */
const routesContribution: Contribution = { point: 'routes', value: undefined }

export class PluginContributions {
  /** With the function that withdraws the contribution, while it is published. */
  readonly #contributions = new Map<Contribution, (() => void) | undefined>()
  #isPublished = false
  #routesRefused: string | undefined

  constructor(
    private readonly registry: ExtensionRegistry,
    private readonly owner: Owner,
  ) {}

  /** @returns removes the contribution @throws PLUGIN_INVALID */
  add(contributed: Contribution): () => void {
    const contribution = checkContribution(this.owner.name, contributed)
    this.#contributions.set(contribution, this.#isPublished ? this.#publish(contribution) : undefined)
    return () => {
      this.#contributions.get(contribution)?.()
      this.#contributions.delete(contribution)
    }
  }

  publish(): void {
    this.#isPublished = true
    for (const [contribution, withdraw] of this.#contributions)
      if (withdraw === undefined) this.#contributions.set(contribution, this.#publish(contribution))
  }

  withdraw(): void {
    this.#isPublished = false
    for (const [contribution, withdraw] of this.#contributions) {
      withdraw?.()
      this.#contributions.set(contribution, undefined)
    }
  }

  #publish(contribution: Contribution): () => void {
    const { name, fault, hold } = this.owner
    // Stands for the owner of the point: the registry has a reason of its own.
    const point = {}
    const remove = this.registry.add(contribution, {
      plugin: name,
      fault: (error) => fault(`a contribution to ${contribution.point}`, error, false),
      hold: (reason) => hold(point, reason),
      refused: (what) => this.#refused(contribution, what),
    })
    return () => {
      remove()
      for (const source of [point, contribution]) hold(source, undefined)
    }
  }

  /** @param what why the routes are left out; undefined where they are not */
  refuseRoutes(what: string | undefined): void {
    if (what === this.#routesRefused) return
    this.#routesRefused = what
    this.#refused(routesContribution, what)
  }

  #refused(contribution: Contribution, what: string | undefined): void {
    const { name: plugin, hold, failed } = this.owner
    const error = what && coreError('CONTRIBUTION_REFUSED', { plugin, point: contribution.point, what })
    hold(contribution, error ? error.message : undefined)
    if (error) failed(error)
  }
}
