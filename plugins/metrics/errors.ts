import { defineErrors, isThenable } from '../../core/plugin.ts'

export const metricsError = defineErrors('metrics', {
  METRICS_NAME_INVALID: {
    message: 'metric {metric} breaks the naming rules: {problems}',
    help: 'Follow https://prometheus.io/docs/practices/naming/: base units, _total on counters, no type in the name.',
  },
  METRICS_NAME_TAKEN: {
    message: 'metric {metric} is registered as {known} and was asked for as {wanted}',
    help: 'Use another name, or the same type, labels and buckets.',
  },
  METRICS_NAME_COLLIDES: {
    message: 'metric {metric} would expose {sample}, which belongs to metric {owner}',
    help: 'Use another name: _total, _bucket, _sum, _count and _created are made from the names of other metrics.',
  },
  METRICS_LABELS_INVALID: {
    message: 'metric {metric} takes the labels [{wanted}], got [{got}]',
    help: 'Give a value for each label of the metric, and no others.',
  },
  METRICS_VALUE_INVALID: {
    message: 'metric {metric} cannot take the value {value}: {expected}',
    help: 'Counters only go up; counters, histograms and summaries take finite numbers. Use a gauge for what goes down; convert text with Number().',
  },
  METRICS_NOT_OBSERVING: {
    message: 'metric {metric} of a batch was set outside of observe',
    help: 'Set the values of a batch in the callback of observe: all change together there.',
  },
  METRICS_EXEMPLAR_INVALID: {
    message: 'metric {metric} cannot take the exemplar: {problem}',
    help: 'Names and values of an exemplar have at most 128 characters together; give a trace id and little else.',
  },
  METRICS_BUCKETS_INVALID: {
    message: 'metric {metric} has invalid buckets [{buckets}]',
    help: 'Give between 1 and 200 finite upper bounds in ascending order, without +Inf.',
  },
  METRICS_QUANTILES_INVALID: {
    message: 'metric {metric} has invalid quantiles [{quantiles}] or window {windowMs} ms',
    help: 'Give between 1 and 20 different numbers from 0 to 1, and a window of at least one second.',
  },
  METRICS_TOO_MANY: {
    message: 'metric {metric} is refused: {limit} metrics are registered already',
    help: 'Put what varies into a label; a metric name must not be built from data.',
  },
  METRICS_COLLECTOR_FAILED: {
    message: 'the collector {collector} failed in {phase}: {reason}',
    help: 'See the cause. The values of the last collection that succeeded are exposed.',
  },
  METRICS_STOPPED: {
    message: 'the plugin metrics does not run',
    help: 'Enable the plugin metrics. Until then the metrics of the application count and are not exposed.',
  },
  METRICS_ASYNC: {
    message: '{source} returned a promise',
    help: 'Await the source first, then set the values. Only a collector with everyMs may return a promise.',
  },
  METRICS_TIMEOUT: {
    message: '{source} did not finish within {timeoutMs} ms',
    help: 'Find what it waits for; raise timeoutMs only if the work is bounded.',
  },
})

/** @param source what returned the value @throws METRICS_ASYNC for a promise, whose rejection is ignored then */
export function refusePromise(returned: unknown, source: string): void {
  if (!isThenable(returned)) return
  Promise.resolve(returned).catch(() => {})
  throw metricsError('METRICS_ASYNC', { source })
}
