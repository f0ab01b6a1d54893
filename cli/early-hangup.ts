/** A SIGHUP to `arkwatch start` that arrives while modules are still loaded, before a configuration is read. */

// Without a listener the signal would end the process.
if (process.argv.includes('start')) process.on('SIGHUP', () => {})
