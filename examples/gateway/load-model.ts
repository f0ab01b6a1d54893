/** What a user of the gateway knows of its sessions, and which answers would be wrong. */
import { publicKeyOf, sign } from './wallet.ts'

export interface Known {
  readonly id: string
  readonly secret: string
  readonly challenge: string
  readonly written: { readonly user_pubkey: string; readonly session_type: string; readonly intent_data: unknown }
  /** `unknown`: a confirmation is under way, or nobody can tell whether it took effect. */
  state: 'open' | 'unknown' | 'confirmed'
  txid?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: an answer may be anything, which is what is checked
  readonly body: any
}
export type Ask = (operation: string, path: string, body?: unknown) => Promise<Answer | undefined>

const types = ['p2p_transfer', 'lightning_lift', 'lightning_land']
const maxKnown = 5_000

export class LoadModel {
  readonly known: Known[] = []
  readonly wrong: string[] = []
  private readonly assigned = new Map<string, string>()
  /** Secret and public key of each. */
  private readonly users: readonly (readonly [string, string])[]

  constructor(
    private readonly ask: Ask,
    private readonly random: () => number,
    secrets: readonly string[],
    readonly asset: string,
  ) {
    this.users = secrets.map((secret) => [secret, publicKeyOf(secret)] as const)
  }

  private complain(what: string): void {
    if (this.wrong.length < 100) this.wrong.push(what)
  }

  /** One that is known, at random. */
  pick(): Known | undefined {
    return this.known[Math.floor(this.random() * this.known.length)]
  }

  async create(): Promise<void> {
    const [secret, user_pubkey] = this.users[Math.floor(this.random() * this.users.length)]!
    const intent_data = { asset_id: this.asset, amount_sats: 1 + Math.floor(this.random() * 10_000) }
    const session_type = types[Math.floor(this.random() * types.length)]!
    const written = { user_pubkey, session_type, intent_data }
    const answer = await this.ask('create', '/sessions', written)
    if (answer?.status !== 201 || this.known.length >= maxKnown) return
    const { session_id: id, challenge } = answer.body
    this.known.push({ id, secret, challenge, written, state: 'open' })
  }

  async read(known: Known): Promise<void> {
    const { state: before } = known
    const answer = await this.ask('read', `/sessions/${known.id}`)
    if (answer === undefined || answer.status === 503) return
    if (answer.status !== 200)
      return this.complain(`session ${known.id} was written, and reading it is ${answer.status}`)
    const { user_pubkey, session_type, intent_data, status, result_data } = answer.body
    const [seen, written] = [JSON.stringify({ user_pubkey, session_type, intent_data }), JSON.stringify(known.written)]
    if (seen !== written) this.complain(`session ${known.id}: wrote ${written}, read ${seen}`)
    if (before === 'confirmed' && (status !== 'completed' || result_data?.txid !== known.txid))
      this.complain(`session ${known.id} was confirmed before it was read as ${status}`)
    if (before === 'open' && known.state === 'open' && status !== 'challenge_sent')
      this.complain(`session ${known.id} was never confirmed and read as ${status}`)
  }

  async confirm(known: Known): Promise<void> {
    const { state: before } = known
    if (before === 'open') known.state = 'unknown'
    const signature = sign(known.secret, known.challenge)
    const answer = await this.ask('confirm', `/sessions/${known.id}/confirm`, { signature })
    // What is refused for want of a VTXO was rolled back, unless an earlier attempt may have come through.
    if (answer?.status === 409 && before === 'open' && known.state === 'unknown') known.state = 'open'
    if (answer?.status !== 200) return
    const { txid, vtxo_id } = answer.body
    if (known.txid !== undefined && known.txid !== txid)
      this.complain(`session ${known.id} was confirmed as ${known.txid}, then as ${txid}`)
    const owner = this.assigned.get(vtxo_id) ?? known.id
    if (owner !== known.id) this.complain(`VTXO ${vtxo_id} was assigned to ${owner} and to ${known.id}`)
    this.assigned.set(vtxo_id, known.id)
    known.txid = txid
    known.state = 'confirmed'
  }

  async readTransaction({ id, txid }: Known): Promise<void> {
    if (txid === undefined) return
    const answer = await this.ask('transaction', `/transactions/${txid}`)
    if (answer === undefined || answer.status === 503) return
    if (answer.status !== 200 || answer.body.session_id !== id)
      this.complain(`transaction ${txid} of session ${id} is ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}
