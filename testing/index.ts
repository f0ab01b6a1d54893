/** Helpers for tests of plugins. Published as `arkwatch/testing`. */
export type { PluginContractOptions } from './contract-subject.ts'
export { pluginContract } from './plugin-contract.ts'
export { recordingSink } from './recording-sink.ts'
export { type TestClock, testClock } from './test-clock.ts'
export { type TestRuntime, type TestRuntimeOptions, testRuntime } from './test-runtime.ts'
