const PACKAGES = [
  '@aws-sdk/client-s3',
  '@aws-sdk/client-sagemaker',
  '@aws-sdk/client-sagemaker-runtime',
  '@aws-sdk/lib-storage',
] as const;

/** The AWS SDK for JavaScript is an optional dependency, and not installed. */
export class MissingSdkError extends Error {
  constructor() {
    super(`this part uses the AWS SDK for JavaScript, which is not installed: npm install ${PACKAGES.join(' ')}`);
    this.name = 'MissingSdkError';
  }
}

/** What quickstart uses of the AWS SDK for JavaScript v3. Throws MissingSdkError. */
export async function loadAwsSdk() {
  try {
    const [s3, sagemaker, runtime, storage] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@aws-sdk/client-sagemaker'),
      import('@aws-sdk/client-sagemaker-runtime'),
      import('@aws-sdk/lib-storage'),
    ]);
    return { s3, sagemaker, runtime, storage };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') throw new MissingSdkError();
    throw error;
  }
}

export type AwsSdk = Awaited<ReturnType<typeof loadAwsSdk>>;
