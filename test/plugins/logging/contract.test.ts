import logging from '../../../plugins/logging/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'

pluginContract(logging, {
  config: { console: { enabled: false }, redact: { mode: 'hmac', hmacKey: 'a-key-that-nobody-may-see' } },
})
