/** Random numbers that repeat with ARKWATCH_TEST_SEED. */

/** @returns a generator of numbers in [0, 1). @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function seeded(
  seed = Number(process.env.ARKWATCH_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31)),
): () => number {
  let state = seed % 2_147_483_647 || 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
