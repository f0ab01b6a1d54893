/** Helpers for tests of plugins. Published as `arkwatch/testing`. */
export type { PluginContractOptions } from './contract-subject.ts'
export { pluginContract } from './plugin-contract.ts'
export { type TestClock, testClock } from './test-clock.ts'
export { recordingSink, type TestRuntime, type TestRuntimeOptions, testRuntime } from './test-runtime.ts'
