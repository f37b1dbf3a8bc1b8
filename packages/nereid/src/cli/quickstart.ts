import type { CommandContext } from './command.ts';

/** `nereid quickstart`. Loaded on use: no other verb needs its parts. */
export async function runQuickstartCommand(
  { once, directory }: { readonly once?: true; readonly directory: string },
  { entryPoint }: CommandContext,
): Promise<number> {
  const { runQuickstart } = await import('../quickstart/index.ts');
  try {
    return await runQuickstart({ directory, once: once ?? false, entryPoint });
  } catch (error) {
    console.error(`\nquickstart: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
