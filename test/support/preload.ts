/** Preloaded into the processes of the tests: notes raised error codes, and draws the cases of every `fc.assert` from ARKWATCH_TEST_SEED. */
import fc from 'fast-check'
import './raised-codes.ts'

const seed = process.env.ARKWATCH_TEST_SEED
if (seed) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) })
