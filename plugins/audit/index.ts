/** The audit log: manifest and wiring. */
import { join, resolve } from 'node:path'
import { commandAuditor, definePlugin } from '../../core/plugin.ts'
import { collector } from '../metrics/api.ts'
import { Store } from '../store/api.ts'
import { Audit } from './api.ts'
import { auditCollector } from './collect.ts'
import { commandAuditorOf } from './command-auditor.ts'
import { auditCommands } from './commands.ts'
import { AuditConfig } from './config.ts'
import { AuditInstance } from './engine.ts'
import { FileSink } from './journal/file-sink.ts'
import { auditJournal } from './journal/journal.ts'

export default definePlugin({
  api: 1,
  name: 'audit',
  version: '1.0.0',
  summary: 'Keeps an append-only, hash-chained and signed record of who did what.',
  config: AuditConfig,
  provides: { audit: Audit },
  needs: { store: Store },
  exclusive: true,
  // All of it is in its files.
  holdsState: false,
  setup({ config, needs, dataDir, clock, log, report, extensions }) {
    const problems = new Map<string, string | undefined>()
    const onProblem = (part: string, problem: string | undefined) => {
      if (problems.get(part) === problem && problems.has(part)) return
      problems.set(part, problem)
      const all = [...problems].flatMap(([name, reason]) => (reason === undefined ? [] : [`${name}: ${reason}`]))
      if (all.length === 0) report('ok')
      else report('degraded', all.join('; '))
    }
    const { file } = config
    const sink = file === undefined ? undefined : new FileSink(resolve(dataDir, file), (why) => onProblem('file', why))
    const journals = extensions(auditJournal)
    const successor = () => journals.all.at(-1)?.value
    const instance = new AuditInstance({ store: needs.store, dataDir, clock, log, sink, successor, onProblem })
    const audit: Audit = instance.log
    return {
      services: { audit },
      contributes: [
        collector(auditCollector(instance.journal, () => sink?.dropped ?? 0)),
        ...auditCommands(audit),
        commandAuditor(commandAuditorOf(audit, log)),
        auditJournal(instance.journal),
      ],
      start: () => instance.start(join(dataDir, 'audit.key'), config.retention),
      stop: () => instance.stop(),
    }
  },
})
