/** The commands, their arguments and options. Each is imported only when it runs. */
import { Command as Commander, CommanderError } from 'commander'
import { exitCodes } from '../core/exit-codes.ts'
import { type Cli, type Command, type CommandHost, createCli, type GlobalOptions, printJson } from './cli.ts'

/** Runs one command line. @param argv without the program @returns the exit code */
export async function runCli(argv: readonly string[], host: CommandHost = process): Promise<number> {
  const wantsJson = argv.includes('--json')
  let exitCode: number = exitCodes.ok

  const program = new Commander('arkwatch')
    .description('Observability and operations runtime for Bun and Hono.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void (wantsJson || host.stderr.write(text)),
    })
    .showHelpAfterError('(`arkwatch help` lists the commands)')
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 negative, 64 usage, 69 not running, 70 internal, 75 a plugin hung, 78 config,\n143 forced',
    )

  /** @param path `file.name`: the function `name` of the module `file` in commands/ */
  const leaf = (parent: Commander, usage: string, description: string, path: string): Commander => {
    const command: Commander = parent
      .command(usage)
      .description(description)
      .option('-c, --config <file>', 'the configuration (default: $ARKWATCH_CONFIG, else ./config.yaml)')
      .option('--json', 'print JSON only')
      .action(async (...parameters: unknown[]) => {
        const options = command.optsWithGlobals<GlobalOptions>()
        exitCode = await runCommand(createCli(options, host), path, options, parameters.slice(0, -2))
      })
    return command
  }
  const urlHelp = 'the admin API of a remote process (default: $ARKWATCH_URL); the API key comes from $ARKWATCH_KEY'
  /** As leaf, for commands that a remote process can run. */
  const reach: typeof leaf = (...command) => leaf(...command).option('--url <url>', urlHelp)
  const recentLines = (command: Commander): Commander =>
    command
      .option('-n, --limit <count>', 'number of recent lines', '100')
      .option('--level <level>', 'minimum level')
      .option('--logger <name>', 'this logger and its children')

  leaf(program, 'start', 'run until a signal; SIGHUP reloads', 'start.start').option(
    '--no-watch',
    'do not reload when a file of the configuration changes',
  )
  leaf(program, 'check', 'check the configuration, start nothing', 'check.check')
  const config = reach(program, 'config', 'show the effective configuration, each value with its source', 'config.show')
  config.option('--file', 'read the file, also while a process runs')
  const planHelp = 'show what a change would do (YAML or JSON, `-` for standard input)'
  reach(config, 'plan <file>', planHelp, 'changes.planPatch')
  reach(config, 'apply <file>', 'merge a change over config.yaml, in data/overlay.yaml', 'changes.apply').option(
    '--confirm-within <duration>',
    'roll back automatically unless confirmed within this time',
  )
  reach(config, 'confirm [id]', 'confirm the pending change', 'changes.confirm')
  reach(config, 'rollback [id]', 'roll back the pending change', 'changes.rollback')
  leaf(program, 'schema', 'print the JSON Schema of config.yaml', 'schema.schema')
  const plugins = reach(program, 'plugins', 'show the plugins of the running process', 'plugins/list.list')
  const restartHelp = 'replace one plugin by a new instance, and the plugins that use its services'
  reach(plugins, 'restart <plugin>', restartHelp, 'changes.restart')
  reach(plugins, 'enable <plugin>', 'turn a plugin on, in data/overlay.yaml', 'changes.enable')
  reach(plugins, 'disable <plugin>', 'turn a plugin off, in data/overlay.yaml', 'changes.disable')
  reach(program, 'plan', 'show what a reload would do', 'changes.plan')
  reach(program, 'reload', 'make the running process read its configuration again', 'changes.reload')
  leaf(program, 'health', 'show the checks of the running process; exit 1 when not healthy', 'health.health')
    .option('--live', 'only liveness, over HTTP, as a container health check does')
    .option('--url <url>', 'with --live: the address of the liveness endpoint')
    .option('--timeout <duration>', 'with --live: time limit of the request', '3s')
  leaf(program, 'pause', 'pause collectors, checks and rules of the running process', 'changes.pause')
  leaf(program, 'resume', 'resume paused collectors, checks and rules', 'changes.resume')
  const logs = reach(program, 'logs', 'show recent log lines, and follow new ones', 'logs.logs')
  recentLines(logs.option('-f, --follow', 'follow new lines'))
  const levelHelp = 'list the levels, or set one (`root` is every logger; `reset` removes the setting)'
  reach(logs, 'level [logger] [level]', levelHelp, 'logs.level').option(
    '--for <duration>',
    'restore the previous level after this time, `15m`',
  )
  recentLines(reach(logs, 'recent', 'show the log lines kept in memory', 'logs.recent'))
  const audit = program.command('audit').description('the record of who did what, and its verification')
  reach(audit, 'tail', 'show the latest records', 'audit/tail.tail')
    .option('-n, --limit <count>', 'maximum number', '50')
    .option('-f, --follow', 'follow new records')
    .option('--principal <name>', 'only records of this principal')
    .option('--action <id>', 'only this action, `plugins.restart`')
  reach(audit, 'verify', 'verify that no record was changed; exit 1 if one was', 'audit/verify.verify')
    .option('--file <export>', 'verify an export, without the running process')
    .option('--key <file>', 'with --file: the public key (PEM) that must have signed the export')
  reach(audit, 'export', 'print all records as JSON lines, signed', 'audit/verify.exportRecords')
  const keys = program.command('keys').description('API keys of the admin API')
  reach(keys, 'list', 'list the API keys, without their secrets', 'keys.list')
  reach(keys, 'create <name>', 'create an API key; its secret is shown only once', 'keys.create')
    .option('--role <role>', 'viewer, operator, admin or auditor', 'viewer')
    .option('--scope <group...>', 'only these groups of operations')
    .option('--expires <duration>', 'lifetime, `90d`')
  reach(keys, 'revoke <id>', 'revoke an API key immediately', 'keys.revoke')
  reach(program, 'jobs [id]', 'show jobs, or one job', 'jobs.jobs').option('--cancel', 'cancel the job')
  const poolHelp =
    'show the pools: status, holders, statements, slow, routes, explain; or pause, resume, evict, drain a pool'
  reach(program, 'pool [action] [fingerprint]', poolHelp, 'pool.pool')
    .option('--pool <name>', 'name of the pool (default: every pool to show, `default` to act on)')
    .option('--pid <pid>', 'with evict: only the connection of this backend process')
    .option('--timeout <duration>', 'with drain: time limit for lent connections', '5s')
  leaf(program, 'version', 'print the version', 'version.printVersion')
  leaf(program, 'init', 'write a configuration for the services found on this machine', 'init.init').option(
    '--force',
    'overwrite an existing file',
  )
  leaf(program, 'dev', 'run, and restart when configuration or plugins change', 'dev.dev')
  const plugin = program.command('plugin').description('write plugins')
  leaf(plugin, 'new <name>', 'write a package with a new plugin and its test', 'plugins/new.pluginNew')
    .option('--dir <folder>', 'where (default: ./arkwatch-plugin-<name>)')
    .option('--force', 'write into a directory that is not empty')

  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    const asked = thrown.exitCode === 0
    exitCode = asked ? exitCodes.ok : exitCodes.usage
    if (wantsJson && !asked) {
      const error = { code: 'CLI_USAGE', message: thrown.message.replace(/^error: /, ''), help: 'See `arkwatch help`.' }
      printJson(createCli({ json: true }, host), { error, exitCode })
    }
  }
  return exitCode
}

async function runCommand(cli: Cli, path: string, options: object, values: readonly unknown[]): Promise<number> {
  try {
    const [file, name] = path.split('.')
    const command: Command = (await import(`./commands/${file}.ts`))[name!]
    return await command(cli, options, ...values)
  } catch (thrown) {
    const { reportError } = await import('./output/report-error.ts')
    return reportError(cli, thrown)
  }
}
