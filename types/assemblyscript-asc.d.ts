// AssemblyScript's compiler as a program. Its own types declare globals (console among them) that hide Node's.
interface CompilerResult {
  readonly error: Error | null;
  readonly stdout: { toString(): string };
  readonly stderr: { toString(): string };
}

declare const asc: { main(args: readonly string[]): Promise<CompilerResult> };
export default asc;
