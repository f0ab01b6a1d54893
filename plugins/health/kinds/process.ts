/** A running process of this machine, found by pid file or by name. Reads /proc. */
import { readdir, readFile } from 'node:fs/promises'
import { readInTurn } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import type { Kind } from './kind.ts'

export interface ProcessFacts {
  readonly pid: number
  readonly name: string
  /** As in /proc/PID/stat: `R`, `S`, `D`, `Z`, `T`… */
  readonly state: string
}

/** @param stat the text of /proc/PID/stat @returns undefined for another text */
export function parseStat(stat: string): ProcessFacts | undefined {
  const match = /^(\d+) \((.*)\) (\S)/s.exec(stat)
  return match ? { pid: Number(match[1]), name: match[2]!, state: match[3]! } : undefined
}

/** @param wanted the process, for the message @returns down without it or for a dead one, degraded for a stopped one */
export function evaluateProcess(facts: ProcessFacts | undefined, wanted: string): CheckResult {
  if (facts === undefined) return { status: 'down', message: `no process: ${wanted}` }
  const details = { pid: facts.pid, state: facts.state }
  if ('ZX'.includes(facts.state)) return { status: 'down', message: `process ${facts.pid} is dead`, details }
  if ('Tt'.includes(facts.state)) return { status: 'degraded', message: `process ${facts.pid} is stopped`, details }
  return { status: 'up', details }
}

const statOf = async (pid: number) => parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))

/** How many files of /proc are read at one time. */
const batch = 64

/** The kernel keeps 15 characters of a name. */
const isCalled = (facts: ProcessFacts, name: string): boolean => facts.name === name.slice(0, 15)

async function findByName(name: string, signal: AbortSignal): Promise<ProcessFacts | undefined> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  let dead: ProcessFacts | undefined
  for (let at = 0; at < pids.length && !signal.aborted; at += batch) {
    for (const facts of await Promise.all(pids.slice(at, at + batch).map(statOf))) {
      if (facts === undefined || !isCalled(facts, name)) continue
      if (!'ZX'.includes(facts.state)) return facts
      dead = facts
    }
  }
  return dead
}

export const processKind: Kind<'process'> = ({ pidFile, name = '' }) => {
  let lastPid: number | undefined
  return {
    async run(signal) {
      if (pidFile !== undefined) {
        const pid = Number.parseInt(await readInTurn(pidFile), 10)
        if (!(pid > 0)) return { status: 'down', message: `${pidFile} holds no pid` }
        return evaluateProcess(await statOf(pid), `pid ${pid} of ${pidFile}`)
      }
      const known = lastPid === undefined ? undefined : await statOf(lastPid)
      const isAlive = known !== undefined && isCalled(known, name) && !'ZX'.includes(known.state)
      const facts = isAlive ? known : await findByName(name, signal)
      lastPid = facts?.pid
      return evaluateProcess(facts, `name ${name}`)
    },
  }
}
