import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  type CreateEndpointConfigCommandInput,
  CreateModelCommand,
  DeleteModelCommand,
  DeleteTagsCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
  type ListModelsCommandInput,
  ListTagsCommand,
  paginateListModels,
  UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand,
  waitUntilEndpointInService,
} from '@aws-sdk/client-sagemaker';
import {
  BUCKET,
  createConfig,
  createEndpoint,
  createModel,
  deploy,
  failingArchive,
  variant,
} from '../test-support/deploy.ts';
import { IMAGE, startTestHost, tarGz } from '../test-support/test-host.ts';

const ARN = 'arn:aws:sagemaker:us-east-1:123456789012';

test('models and configurations are kept with all their members and given back as they came', async (t) => {
  const { sagemaker } = await startTestHost(t);
  const model = {
    ModelName: 'M-1',
    ExecutionRoleArn: 'arn:aws:iam::123456789012:role/service-role/x',
    Containers: [
      { Image: IMAGE, ContainerHostname: 'first', ModelDataUrl: 's3://models/a.tar.gz', Environment: { A: 'b' } },
      {
        Image: IMAGE,
        ContainerHostname: 'second',
        ModelDataSource: {
          S3DataSource: { S3Uri: 's3://models/b/', S3DataType: 'S3Prefix' as const, CompressionType: 'None' as const },
        },
      },
    ],
    InferenceExecutionConfig: { Mode: 'Direct' as const },
    VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
    EnableNetworkIsolation: true,
  };
  await sagemaker.send(new CreateModelCommand({ ...model, Tags: [{ Key: 'a', Value: 'b' }] }));
  const {
    $metadata: _m,
    CreationTime,
    ModelArn,
    ...described
  } = await sagemaker.send(new DescribeModelCommand({ ModelName: 'M-1' }));
  assert.deepEqual(described, model);
  assert.equal(ModelArn, `${ARN}:model/M-1`);
  assert.ok(CreationTime instanceof Date);

  const config: CreateEndpointConfigCommandInput = {
    EndpointConfigName: 'c',
    ProductionVariants: [
      variant('M-1', { InitialVariantWeight: 0.25, VolumeSizeInGB: 30, RoutingConfig: { RoutingStrategy: 'RANDOM' } }),
    ],
    DataCaptureConfig: {
      InitialSamplingPercentage: 50,
      DestinationS3Uri: 's3://models/capture',
      CaptureOptions: [{ CaptureMode: 'Input' }],
      EnableCapture: true,
    },
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://models/out' } },
    KmsKeyId: 'k',
  };
  await sagemaker.send(new CreateEndpointConfigCommand(config));
  const {
    $metadata: _c,
    CreationTime: _t,
    EndpointConfigArn: _a,
    ...echoed
  } = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'c' }));
  assert.deepEqual(echoed, config);
});

test("what is missing, taken or wrong is told in AWS's words", async (t) => {
  const host = await startTestHost(t);
  const { sagemaker } = host;
  const refused = async (answer: Promise<unknown>, message: string | RegExp): Promise<void> => {
    await assert.rejects(answer, { name: 'ValidationException', message });
  };
  await createModel(host, 'm');
  await createConfig(host, 'c', [variant('m')]);
  await refused(
    sagemaker.send(new DescribeModelCommand({ ModelName: 'no' })),
    `Could not find model "${ARN}:model/no".`,
  );
  await refused(sagemaker.send(new DeleteModelCommand({ ModelName: 'no' })), `Could not find model "${ARN}:model/no".`);
  await refused(
    sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'no' })),
    `Could not find endpoint configuration "${ARN}:endpoint-config/no".`,
  );
  await refused(
    sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'no' })),
    `Could not find endpoint "${ARN}:endpoint/no".`,
  );
  await refused(
    sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'no', EndpointConfigName: 'c' })),
    `Could not find endpoint "${ARN}:endpoint/no".`,
  );
  await refused(
    sagemaker.send(new CreateEndpointCommand({ EndpointName: 'e', EndpointConfigName: 'no' })),
    `Could not find endpoint configuration "${ARN}:endpoint-config/no".`,
  );
  await refused(
    sagemaker.send(new CreateModelCommand({ ModelName: 'm', PrimaryContainer: { Image: IMAGE } })),
    `Cannot create already existing model "${ARN}:model/m".`,
  );
  const again = { EndpointConfigName: 'c', ProductionVariants: [variant('m')] };
  await refused(
    sagemaker.send(new CreateEndpointConfigCommand(again)),
    `Cannot create already existing endpoint configuration "${ARN}:endpoint-config/c".`,
  );
  await refused(
    sagemaker.send(
      new CreateEndpointConfigCommand({ ...again, EndpointConfigName: 'd', ProductionVariants: [variant('no')] }),
    ),
    `Could not find model "${ARN}:model/no".`,
  );
  await refused(
    sagemaker.send(
      new CreateEndpointConfigCommand({
        ...again,
        EndpointConfigName: 'd',
        ProductionVariants: [variant('m'), variant('m')],
      }),
    ),
    /variant name "AllTraffic" was non-unique/,
  );
  await refused(
    sagemaker.send(new CreateModelCommand({ ModelName: 'x' })),
    'Either PrimaryContainer or Containers must be specified.',
  );
  await refused(
    sagemaker.send(new CreateModelCommand({ ModelName: 'x', PrimaryContainer: { Image: 'registry/own-image:1' } })),
    /^Requested image registry\/own-image:1 not found\..*--image own-image=COMMAND/,
  );
  await refused(
    sagemaker.send(
      new CreateModelCommand({
        ModelName: 'x',
        PrimaryContainer: { Image: IMAGE, ModelDataUrl: 'https://169.254.169.254/latest' },
      }),
    ),
    /another server's address/,
  );
  await refused(
    sagemaker.send(new CreateEndpointCommand({ EndpointName: 'a_b', EndpointConfigName: 'c' })),
    /^1 validation error detected: Value 'a_b' at 'endpointName' failed/,
  );
});

test('lists filter, sort and page', async (t) => {
  const host = await startTestHost(t);
  const { sagemaker } = host;
  const before = new Date(Date.now() - 1000);
  for (const name of ['b-2', 'a-1', 'c-3', 'd-1'])
    await sagemaker.send(new CreateModelCommand({ ModelName: name, PrimaryContainer: { Image: IMAGE } }));
  const names = async (input: ListModelsCommandInput): Promise<unknown> => {
    const { Models } = await sagemaker.send(new ListModelsCommand(input));
    return Models?.map((model) => model.ModelName);
  };
  assert.deepEqual(await names({ SortBy: 'Name', SortOrder: 'Ascending' }), ['a-1', 'b-2', 'c-3', 'd-1']);
  assert.deepEqual(await names({ SortBy: 'Name' }), ['d-1', 'c-3', 'b-2', 'a-1']);
  assert.deepEqual(await names({ NameContains: '-1', SortBy: 'Name', SortOrder: 'Ascending' }), ['a-1', 'd-1']);
  assert.deepEqual(await names({ CreationTimeBefore: before }), []);
  assert.equal(((await names({ CreationTimeAfter: before })) as string[]).length, 4);
  const paged: unknown[] = [];
  for await (const page of paginateListModels(
    { client: sagemaker, pageSize: 3 },
    { SortBy: 'Name', SortOrder: 'Ascending' },
  )) {
    paged.push(page.Models?.map((model) => model.ModelName));
  }
  assert.deepEqual(paged, [['a-1', 'b-2', 'c-3'], ['d-1']]);
  const { NextToken } = await sagemaker.send(new ListModelsCommand({ MaxResults: 1 }));
  await assert.rejects(sagemaker.send(new ListModelsCommand({ MaxResults: 1, NameContains: 'a', NextToken })), {
    name: 'ValidationException',
  });
  await assert.rejects(sagemaker.send(new ListModelsCommand({ NextToken: 'bogus' })), { name: 'ValidationException' });
  const empty = await Promise.all([
    sagemaker.send(new ListEndpointsCommand({})),
    sagemaker.send(new ListEndpointConfigsCommand({})),
  ]);
  assert.deepEqual([empty[0].Endpoints, empty[1].EndpointConfigs], [[], []]);
});

test('tags: add, replace, list, delete, limits', async (t) => {
  const { sagemaker } = await startTestHost(t);
  const ResourceArn = `${ARN}:model/m`;
  await assert.rejects(sagemaker.send(new ListTagsCommand({ ResourceArn })), {
    name: 'ValidationException',
    message: /Could not find model/,
  });
  await sagemaker.send(
    new CreateModelCommand({ ModelName: 'm', PrimaryContainer: { Image: IMAGE }, Tags: [{ Key: 'z', Value: '1' }] }),
  );
  const { Tags } = await sagemaker.send(
    new AddTagsCommand({
      ResourceArn,
      Tags: [
        { Key: 'a', Value: '2' },
        { Key: 'z', Value: '3' },
      ],
    }),
  );
  assert.deepEqual(Tags, [
    { Key: 'z', Value: '3' },
    { Key: 'a', Value: '2' },
  ]);
  await sagemaker.send(new DeleteTagsCommand({ ResourceArn, TagKeys: ['z', 'never'] }));
  assert.deepEqual((await sagemaker.send(new ListTagsCommand({ ResourceArn }))).Tags, [{ Key: 'a', Value: '2' }]);
  await assert.rejects(sagemaker.send(new AddTagsCommand({ ResourceArn, Tags: [{ Key: 'aws:x', Value: '' }] })), {
    name: 'ValidationException',
  });
  const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
  await assert.rejects(sagemaker.send(new AddTagsCommand({ ResourceArn, Tags: many })), {
    name: 'ResourceLimitExceeded',
  });
  assert.equal(
    (await sagemaker.send(new ListTagsCommand({ ResourceArn }))).Tags?.length,
    1,
    'a refused request changes nothing',
  );
});

test('a failed endpoint says why, and the waiter ends', async (t) => {
  const host = await startTestHost(t);
  const { s3, sagemaker } = host;
  await createModel(host, 'good');
  const cases: readonly (readonly [string, Buffer | undefined, RegExp])[] = [
    [
      'no-archive',
      undefined,
      /^Failed to download model data from URL "s3:\/\/models\/no-archive\.tar\.gz"\. Please ensure that there is an object/,
    ],
    [
      'no-tar',
      Buffer.from('<html>not found</html>'),
      /^Failed to extract model data archive from URL ".*": it is not compressed with gzip\./,
    ],
    ['traversal', tarGz([{ name: '../../etc/cron.d/x', body: 'x' }]), /leaves the archive's directory/],
    [
      'bad-config',
      failingArchive('E1123 00:00:00.000000 1 model_repository_manager.cc:1] /m/config.pbtxt:3:7: Expected identifier'),
      /did not pass the ping health check\..*config\.pbtxt:3:7: Expected identifier/,
    ],
  ];
  for (const [name, archive, reason] of cases) {
    if (archive) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${name}.tar.gz`, Body: archive }));
    await sagemaker.send(
      new CreateModelCommand({
        ModelName: name,
        PrimaryContainer: { Image: IMAGE, ModelDataUrl: `s3://${BUCKET}/${name}.tar.gz` },
      }),
    );
    await createConfig(host, name, [variant(name)]);
    const endpoint = await createEndpoint(host, name);
    assert.equal(endpoint.EndpointStatus, 'Failed');
    assert.match(endpoint.FailureReason ?? '', reason);
    assert.ok((endpoint.FailureReason ?? '').length <= 1024);
    await assert.rejects(waitUntilEndpointInService({ client: sagemaker, maxWaitTime: 5 }, { EndpointName: name }));
    await assert.rejects(sagemaker.send(new UpdateEndpointCommand({ EndpointName: name, EndpointConfigName: name })), {
      name: 'ValidationException',
    });
  }
  const { Endpoints } = await sagemaker.send(
    new ListEndpointsCommand({ StatusEquals: 'Failed', SortBy: 'Name', SortOrder: 'Ascending' }),
  );
  assert.deepEqual(
    Endpoints?.map((endpoint) => endpoint.EndpointName),
    ['bad-config', 'no-archive', 'no-tar', 'traversal'],
  );
});

test('weights and counts change live; wrong variants are named', async (t) => {
  const host = await startTestHost(t);
  const { sagemaker } = host;
  const endpoint = await deploy(host, 'e');
  assert.equal(endpoint.EndpointStatus, 'InService', endpoint.FailureReason);
  const scale = (VariantName: string, more: object): Promise<unknown> =>
    sagemaker.send(
      new UpdateEndpointWeightsAndCapacitiesCommand({
        EndpointName: 'e',
        DesiredWeightsAndCapacities: [{ VariantName, ...more }],
      }),
    );
  await assert.rejects(scale('Other', { DesiredWeight: 1 }), {
    message: 'The variant name(s) "Other" is/are not present within endpoint configuration "e".',
  });
  await scale('AllTraffic', { DesiredInstanceCount: 2, DesiredWeight: 0.5 });
  await assert.rejects(scale('AllTraffic', { DesiredWeight: 2 }), {
    message: `Cannot update in-progress endpoint "${ARN}:endpoint/e".`,
  });
  const { state } = await waitUntilEndpointInService(
    { client: sagemaker, maxWaitTime: 20, minDelay: 1 },
    { EndpointName: 'e' },
  );
  assert.equal(state, 'SUCCESS');
  const scaled = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'e' }));
  assert.deepEqual(
    scaled.ProductionVariants?.map((one) => [one.CurrentInstanceCount, one.DesiredInstanceCount, one.CurrentWeight]),
    [[2, 2, 0.5]],
  );
});

test('quotas are kept', async (t) => {
  const host = await startTestHost(t, { maxModels: 1, maxInstances: 1 });
  await createModel(host, 'm');
  await assert.rejects(createModel(host, 'n'), { name: 'ResourceLimitExceeded' });
  await createConfig(host, 'two', [variant('m', { InitialInstanceCount: 2 })]);
  await assert.rejects(createEndpoint(host, 'e', 'two'), {
    name: 'ResourceLimitExceeded',
    message: /service limit 'ml\.c5\.large for endpoint usage' is 1 Instances/,
  });
});
