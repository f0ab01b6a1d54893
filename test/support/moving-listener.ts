/** A runtime whose reloads move a listener and then succeed or fail, with a look at both addresses in between. */
import { expect } from 'bun:test'
import { definePlugin, z } from '../../core/plugin.ts'
import { systemClock } from '../../core/process/clock.ts'
import { testRuntime } from '../../testing/index.ts'

type Sections = Readonly<Record<string, unknown>>

const isOpen = async (url: string) => (await fetch(url, { keepalive: false }).catch(() => undefined))?.ok === true

/** @param sections the plugins' sections, before and after the move @param urls those before and after the move */
export async function throughMoves(
  plugins: readonly unknown[],
  sections: (isMoved: boolean) => Sections,
  urls: readonly [string, string],
): Promise<void> {
  const open = () => Promise.all(urls.map(isOpen))
  let during: boolean[] = []
  let fails = true
  // Started after every plugin that comes with Arkwatch.
  const late = definePlugin({
    ...{ api: 1, name: 'zlate', version: '1.0.0', summary: 'Ends a reload.' },
    config: z.strictObject({ round: z.number().default(0).describe('The round.') }),
    setup: () => ({
      async reconfigure() {
        during = await open()
        if (fails) throw new Error('no')
      },
    }),
  })
  const config = (isMoved: boolean) => ({ plugins: { ...sections(isMoved), zlate: { round: Number(isMoved) } } })
  await using booted = await testRuntime({ plugins: [...plugins, late], clock: systemClock, config: config(false) })
  for (let tries = 0; tries < 100 && !(await isOpen(urls[0])); tries += 1) await Bun.sleep(20)
  for (let round = 0; round < 2; round += 1) {
    await expect(booted.reload(config(true))).rejects.toThrow('no')
    expect(during).toEqual([true, true])
    expect(await open()).toEqual([true, false])
  }
  fails = false
  await booted.reload(config(true))
  expect(during).toEqual([true, true])
  expect(await open()).toEqual([false, true])
}
