/** PURE. What the inventory of an asset needs, by the rule of the ArkRelay Gateway. */

export interface Inventory {
  readonly total: number
  readonly available: number
  readonly assigned: number
}

const wanted = 10

export function inventoryStatus(assetId: string, { total, available, assigned }: Inventory) {
  const utilization = total === 0 ? 0 : assigned / total
  return {
    asset_id: assetId,
    available_vtxos: available,
    assigned_vtxos: assigned,
    total_vtxos: total,
    utilization,
    needs_replenishment: available < wanted || utilization > 0.3 || total < wanted,
  }
}

/** @returns how many VTXOs to create, 0-100 */
export function replenishmentOf(inventory: Inventory): number {
  if (!inventoryStatus('', inventory).needs_replenishment) return 0
  const { total, available } = inventory
  return Math.min(Math.max(0, wanted - available) + (total > 0 ? Math.floor(total / 5) : wanted), 100)
}
