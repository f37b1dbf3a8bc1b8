import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseList, parseRange, parseShapes } from './options.ts';
import { type ReportRow, renderCsv, renderTable } from './report.ts';

const ROW: ReportRow = {
  load: 4,
  settings: {},
  measurement: {
    inferencesPerSecond: 1234.5678,
    latency: {
      averageMicros: 1000,
      percentiles: new Map([
        [50, 900],
        [90, 1500],
        [95, 1800],
        [99, 2500.4],
      ]),
    },
    server: {
      queueMicros: 100,
      computeInputMicros: 10,
      computeInferMicros: 300.6,
      computeOutputMicros: 9,
      batchSize: 2,
    },
    stable: false,
    requests: 10,
    failures: 3,
    failure: 'full',
  },
};

test('the CSV has the columns of perf_analyzer', () => {
  assert.equal(
    renderCsv('Concurrency', [ROW]),
    'Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server Compute Infer,' +
      'Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency\n' +
      '4,1234.57,0,580,100,10,301,9,0,900,1500,1800,2500\n',
  );
  const searched = renderCsv('Request Rate', [{ ...ROW, settings: { 'Preferred Sizes': '4,8' } }]);
  assert.match(searched, /^Preferred Sizes,Request Rate,.*\n"4,8",4,/);
});

test('the table says what was not stable and what failed', () => {
  assert.match(
    renderTable('Concurrency', [ROW]),
    /4 +1234\.6 +1\.00 +0\.90 +1\.50 +1\.80 +2\.50 +0\.10 +0\.32 +2\.0 +unstable, 3 failed$/,
  );
});

test('ranges, lists and shapes', () => {
  assert.deepEqual(parseRange('4', '--x'), [4]);
  assert.deepEqual(parseRange('1:7:3', '--x'), [1, 4, 7]);
  assert.deepEqual(parseRange('0.5:1:0.25', '--x'), [0.5, 0.75, 1]);
  for (const text of ['', '0', '2:1', '1:2:0', '1:2:3:4', 'x', '1:1e9'])
    assert.throws(() => parseRange(text, '--x'), /--x takes/);
  assert.deepEqual(parseList('off, 0,500', '--x', 'off', 0), ['off', 0, 500]);
  assert.throws(() => parseList('1,-1', '--x', 'off', 0), /--x takes a whole number of at least 0, got '-1'/);
  assert.deepEqual(
    [...parseShapes(['A:1,2', 'n:s:3'])],
    [
      ['A', [1, 2]],
      ['n:s', [3]],
    ],
  );
  assert.throws(() => parseShapes(['1,2']), /--shape takes NAME/);
});
