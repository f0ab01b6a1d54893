/** Helpers for tests of plugins. Published as `arkwatch/testing`. */
export { type TestClock, testClock } from './test-clock.ts'
