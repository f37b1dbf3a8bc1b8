import assert from 'node:assert/strict';
import type { Tensor } from '@nereid/protocol';
import { parseModelConfigText } from '../../../config/index.ts';
import type { ExecutionBatch, Logger, ScheduledRequest } from '../../../inference/index.ts';
import { StatisticsRecorder } from '../../../observability/index.ts';
import { TestInstances, TestRequest, testSignature } from '../../test-support/fixtures.ts';
import { ManualClock } from '../../test-support/manual-clock.ts';
import { sequencePolicy } from '../policy.ts';
import { SequenceScheduler, type SequenceSchedulerParts } from '../scheduler.ts';

export interface SetUpOptions extends Pick<SequenceSchedulerParts, 'startAfter' | 'startAfterBacklog'> {
  readonly maxBatchSize?: number;
  readonly instances?: number;
  readonly inline?: boolean;
  readonly dims?: readonly number[];
  /** Called for each request of an execution instead of answering it. */
  readonly answer?: (request: ScheduledRequest) => void;
  /** Called at the end of each execution; may hand states to the batch. */
  readonly onRun?: (batch: ExecutionBatch) => void;
  readonly initialStates?: ReadonlyMap<string, Tensor>;
}

/** A sequence scheduler over test instances; `batching` is the inside of `sequence_batching`. */
export function setUp(batching: string, options: SetUpOptions = {}) {
  const { maxBatchSize = 4, instances: count = 1, inline = false, dims = [1] } = options;
  const config = parseModelConfigText(
    `name: "m" max_batch_size: ${maxBatchSize} sequence_batching { max_sequence_idle_microseconds: 1000000 ${batching} }`,
  );
  assert.equal(config.schedulingChoice.case, 'sequenceBatching');
  if (config.schedulingChoice.case !== 'sequenceBatching') throw new Error('unreachable');
  const warnings: string[] = [];
  const log: Logger = { error() {}, warning: (text) => warnings.push(text), info() {}, verbose() {} };
  const clock = new ManualClock();
  const seen = new Set<ExecutionBatch>();
  const instances = new TestInstances(count, {
    inline,
    answer: (request, batch) => {
      if (!seen.has(batch)) options.onRun?.(batch);
      seen.add(batch);
      if (options.answer !== undefined) {
        options.answer(request);
        return;
      }
      request.respond(
        { id: request.request.id, modelName: 'm', modelVersion: 1, parameters: new Map(), outputs: [] },
        true,
      );
    },
  });
  const scheduler = new SequenceScheduler({
    ...options,
    policy: sequencePolicy(config, config.schedulingChoice.value, options.initialStates ?? new Map()),
    signature: testSignature({ maxBatchSize, dims }),
    executors: { instances: instances.all, clock, statistics: new StatisticsRecorder('m', 1) },
    log,
  });
  /** `a+` starts sequence a, `a-` ends it, `a` goes on, `a+-` is a whole sequence. */
  const send = (text: string, more: ConstructorParameters<typeof TestRequest>[0] = {}) => {
    const request = new TestRequest({
      id: text,
      correlationId: text.replace(/[+-]/g, ''),
      start: text.includes('+'),
      end: text.includes('-'),
      ...more,
    });
    scheduler.enqueue(request);
    return request;
  };
  return { clock, instances, scheduler, send, warnings };
}

export const DIRECT = 'direct { }';
export const OLDEST = 'oldest { max_candidate_sequences: 4 }';
/** All four kinds, each of another data type. */
export const CONTROLS = `
control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }
control_input { name: "END" control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } }
control_input { name: "READY" control { kind: CONTROL_SEQUENCE_READY bool_false_true: [ false, true ] } }
control_input { name: "ID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }`;
