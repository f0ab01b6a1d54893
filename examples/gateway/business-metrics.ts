/** The business metrics that the ArkRelay Gateway declares. */
import type { Metrics } from 'arkwatch/metrics'

export const businessMetrics = (metrics: Metrics) => ({
  sessionsCreated: metrics.counter({
    name: 'arkrelay_sessions_created_total',
    help: 'Signing sessions created.',
    labels: ['session_type'],
  }),
  transactionsProcessed: metrics.counter({
    name: 'arkrelay_transactions_processed_total',
    help: 'Transactions recorded, by type and the status that they were given.',
    labels: ['transaction_type', 'status'],
  }),
  vtxosCreated: metrics.counter({
    name: 'arkrelay_vtxos_created_total',
    help: 'VTXOs added to the inventory.',
    labels: ['asset_id'],
  }),
  vtxosAssigned: metrics.counter({
    name: 'arkrelay_vtxos_assigned_total',
    help: 'VTXOs assigned to users.',
    labels: ['asset_id'],
  }),
})
export type BusinessMetrics = ReturnType<typeof businessMetrics>
