import { createProgram } from './command.ts';
import { renderFlagTables } from './flags/index.ts';

const INTRODUCTION = `# The command

In a clone \`npm exec -- nereid …\`, published \`npx nereid …\`. This page is written by \`npm run generate\` from the tables that parse the command line.

Exit codes: 0 done, 1 failed, 2 the command line was not understood (\`serve\`: 1, as tritonserver).
`;

const SERVE = `## nereid serve

Serves model repositories. The flags are tritonserver's, with its defaults: \`--name=value\` or \`--name value\`, names may be shortened as long as
they stay unambiguous, booleans are \`true on 1 false off 0\` in any case. Errors have tritonserver's texts; the usage message is shorter.

\`\`\`sh
nereid serve --model-repository=models
nereid serve --model-repository=models --model-control-mode=explicit --load-model=classifier --http-port=0
\`\`\`

- Port 0 takes a free port; the log says which, in Triton's words: \`Started HTTPService at 0.0.0.0:41873\`.
- SIGINT and SIGTERM end the server: it takes no more requests, answers those in flight within \`--exit-timeout-secs\`, and exits with 0, or with 1 if some
  were left. A second signal ends it at once.
- A model that does not load ends the server with exit code 1, unless \`--exit-on-error=false\`.
- Numbers are read strictly: \`--http-port=80x\` is refused, where tritonserver takes it as 80.
- **In a SageMaker container** (environment variables \`SAGEMAKER_…\`, no \`--model-repository\`) \`nereid serve\` does what the \`serve\` script of
  Triton's container does: SageMaker's port 8080 instead of 8000, the model from \`/opt/ml/model\`, settings from the environment. Outside of a container
  \`SAGEMAKER_BASE_DIR\` stands for \`/opt/ml\`, and \`SAGEMAKER_BIND_TO_ADDRESS\` for 0.0.0.0.

Flags marked "accepted, without effect" are there so that command lines written for tritonserver work. Those marked "not yet" are for parts that
this version lacks; using one prints a warning.
`;

/** The contents of docs/cli.md. */
export function renderCliReference(): string {
  const verbs = createProgram(() => {}, { entryPoint: '', environment: {} }).commands.filter(
    (command) => command.name() !== 'serve',
  );
  const sections = verbs.map((command) => {
    const help = command.configureHelp({ helpWidth: 110 }).helpInformation().trimEnd();
    return `## nereid ${command.name()}\n\n\`\`\`text\n${help}\n\`\`\`\n`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}\n${SERVE}\n${renderFlagTables()}`;
}
