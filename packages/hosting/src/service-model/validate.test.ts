import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { knownMembers } from './known-members.ts';
import { CONTROL_PLANE_MODEL, RUNTIME_MODEL } from './service-model.ts';
import { InputValidator, validationMessage, WrongTypeError } from './validate.ts';

const validator = new InputValidator(CONTROL_PLANE_MODEL);

test("problems are told in AWS's words", () => {
  const cases: readonly (readonly [string, unknown, readonly string[]])[] = [
    ['DescribeEndpoint', {}, ["Value null at 'endpointName' failed to satisfy constraint: Member must not be null"]],
    [
      'CreateEndpoint',
      { EndpointName: 'bad name', EndpointConfigName: 'c' },
      [
        "Value 'bad name' at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
      ],
    ],
    [
      'ListEndpoints',
      { MaxResults: 101 },
      ["Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"],
    ],
    [
      'ListTags',
      { ResourceArn: 'arn:aws:sagemaker:us-east-1:123456789012:model/a', MaxResults: 1 },
      ["Value '1' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 50"],
    ],
    [
      'ListEndpoints',
      { SortOrder: 'Up' },
      [
        "Value 'Up' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [Ascending, Descending]",
      ],
    ],
    [
      'CreateEndpointConfig',
      { EndpointConfigName: 'c', ProductionVariants: [{ VariantName: 'v', InitialInstanceCount: 0 }] },
      [
        "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ],
    ],
    [
      'CreateEndpointConfig',
      { EndpointConfigName: 'c', ProductionVariants: [] },
      [
        "Value '[]' at 'productionVariants' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
    ],
  ];
  for (const [operation, input, problems] of cases) assert.deepEqual(validator.problems(operation, input), problems);
  const [instanceType] = validator.problems('CreateEndpointConfig', {
    EndpointConfigName: 'c',
    ProductionVariants: [{ VariantName: 'v', InstanceType: 'InvalidInstanceType' }],
  });
  assert.match(
    instanceType ?? '',
    /^Value 'InvalidInstanceType' at 'productionVariants\.1\.member\.instanceType' failed to satisfy constraint: Member must satisfy enum value set: \[ml\./,
  );
  assert.equal(validationMessage(['a', 'b']), '2 validation errors detected: a; b');
});

test('a value of another JSON type is told apart from one that breaks a constraint', () => {
  for (const input of [{ EndpointName: 1 }, { EndpointName: ['a'] }, [], 'x', 1, { EndpointName: {} }]) {
    assert.throws(() => validator.problems('DescribeEndpoint', input), WrongTypeError);
  }
  assert.throws(() => validator.problems('ListEndpoints', { MaxResults: 1.5 }), WrongTypeError);
});

test('names take what AWS takes and nothing else', () => {
  const accepts = (name: string): boolean =>
    validator.problems('DescribeEndpoint', { EndpointName: name }).length === 0;
  for (const name of ['a', 'A-1', 'x--y', 'a'.repeat(63)]) assert.ok(accepts(name), name);
  for (const name of [
    '',
    '-a',
    'a-',
    'a_b',
    'a.b',
    '../etc',
    'a/b',
    'a\nb',
    'ä',
    '.*',
    'a{b="c"}',
    'a'.repeat(64),
    '‮a',
    'a%2e',
  ]) {
    assert.ok(!accepts(name), JSON.stringify(name));
  }
});

test('no JSON value makes a check fail with anything but its own error', () => {
  const operations = Object.keys(CONTROL_PLANE_MODEL.operations);
  const member = fc.constantFrom(
    'EndpointName',
    'ProductionVariants',
    'PrimaryContainer',
    'Environment',
    'Tags',
    'MaxResults',
    'DeploymentConfig',
    '__proto__',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...operations),
      fc.dictionary(member, fc.jsonValue({ maxDepth: 4 })),
      (operation, input) => {
        try {
          if (validator.problems(operation, input).length > 0) return;
        } catch (error) {
          assert.ok(error instanceof WrongTypeError, String(error));
          return;
        }
        const kept = knownMembers(CONTROL_PLANE_MODEL, CONTROL_PLANE_MODEL.operations[operation]?.input ?? '', input);
        assert.deepEqual(validator.problems(operation, kept), []);
      },
    ),
    { numRuns: 500 },
  );
});

test('long values do not make a pattern slow', () => {
  const long = `${'a-'.repeat(500_000)}!`;
  assert.equal(validator.problems('DescribeEndpoint', { EndpointName: long }).length, 1);
});

test('a value that is nested without end does not end the check', () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
  const [problem] = validator.problems('CreateModel', { ModelName: 'm', Tags: Array.from({ length: 51 }, () => deep) });
  assert.match(
    problem ?? '',
    /at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50/,
  );
  assert.throws(() => validator.problems('CreateModel', { ModelName: 'm', Tags: deep }), WrongTypeError);
});

test('known members: unknown ones and nulls are left out, at any depth', () => {
  const kept = knownMembers(CONTROL_PLANE_MODEL, 'CreateModelInput', {
    ModelName: 'm',
    Tags: null,
    Later: { a: 1 },
    PrimaryContainer: { Image: 'i', Environment: { A: 'b' }, New: [[[[]]]] },
  });
  assert.deepEqual(kept, { ModelName: 'm', PrimaryContainer: { Image: 'i', Environment: { A: 'b' } } });
});

test("patterns in Java's dialect: inference ids", () => {
  const runtime = new InputValidator(RUNTIME_MODEL);
  const accepts = (InferenceId: string): boolean =>
    runtime.problems('InvokeEndpoint', { EndpointName: 'e', InferenceId }).length === 0;
  assert.ok(accepts('id 1/2'));
  for (const id of [' id', 'id\u0007', 'xä', '']) assert.ok(!accepts(id), JSON.stringify(id));
});
