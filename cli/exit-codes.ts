/** The exit codes of the command line. */
export { exitCodeOf, exitCodes, forcedExitCode } from '../core/exit-codes.ts'
