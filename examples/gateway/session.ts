/** A signing session, as its row and its cache entry hold it. */
export const sessionTypes = ['p2p_transfer', 'lightning_lift', 'lightning_land'] as const

export interface Session {
  readonly session_id: string
  readonly user_pubkey: string
  readonly session_type: (typeof sessionTypes)[number]
  readonly status: string
  readonly intent_data: { readonly asset_id: string; readonly amount_sats: number }
  readonly result_data: { readonly txid: string; readonly vtxo_id: string } | null
  readonly error_message: string | null
  readonly created_at: Date
  readonly updated_at: Date
  readonly expires_at: Date
}

/** The cache key of a session. */
export const sessionKey = (id: string) => `session:${id}`
