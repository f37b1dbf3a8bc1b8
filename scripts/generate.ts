// `npm run generate` writes the files that are made from others; `--check` fails when one is not what it should be.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderCliReference } from 'nereid';
import { listFiles, ROOT, readText, report } from './lib/sources.ts';

/** Generator of the Protobuf code; it needs the npm registry, so the check only compares what it was last given. */
const BUF = '@bufbuild/buf@1.75.0';
const PROTO_DIGEST = 'proto/generated.sha256';

const check = process.argv.includes('--check');
const problems: string[] = [];

if (readIfThere('docs/cli.md') !== renderCliReference()) {
  if (check) problems.push('docs/cli.md is not what the command line tables say. Run: npm run generate');
  else write('docs/cli.md', renderCliReference());
}
if (readIfThere(PROTO_DIGEST) !== protoDigest()) {
  if (check) {
    problems.push('proto/ or buf.gen.yaml changed since the code in gen/ was made from it. Run: npm run generate');
  } else {
    execFileSync('npm', ['exec', '--yes', `--package=${BUF}`, '--', 'buf', 'generate'], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    write(PROTO_DIGEST, protoDigest());
  }
}
report('docs/cli.md, Protobuf code', problems);

function protoDigest(): string {
  const hash = createHash('sha256');
  for (const path of [...listFiles('proto/**/*.proto'), 'buf.gen.yaml', 'buf.yaml'])
    hash.update(`${path}\n${readText(path)}\n`);
  return `${hash.digest('hex')}\n`;
}

function readIfThere(path: string): string | undefined {
  return existsSync(join(ROOT, path)) ? readText(path) : undefined;
}

function write(path: string, text: string): void {
  writeFileSync(join(ROOT, path), text);
  console.log(`wrote ${path}`);
}
