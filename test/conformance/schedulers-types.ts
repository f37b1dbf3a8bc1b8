/** The recorded files' shapes, as their README describes them. Only what the replay reads. */

export interface ScenarioServer {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Path in the model repository -> text. */
  readonly files: Readonly<Record<string, string>>;
  /** Models to copy from the recorded examples. */
  readonly copies: readonly string[];
}

export interface ScenarioStep {
  /** Milliseconds since the start; `after` or `after N`: when all earlier requests are answered, and N milliseconds later. */
  readonly send: number | string;
  readonly protocol: string;
  readonly model: string;
  /** Body of `POST /v2/models/<model>/infer`. */
  readonly request: unknown;
}

export interface RecordedOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

export interface RecordedAnswer {
  readonly status: number;
  readonly id?: string;
  readonly outputs?: readonly RecordedOutput[];
  readonly error?: string;
  /** Rounded to 100. */
  readonly elapsedMs?: number;
}

export interface RecordedStatistics {
  readonly inference_count: number;
  readonly execution_count: number;
  readonly batch_stats: readonly { readonly batch_size: number; readonly count: number }[];
  readonly counts: Readonly<Record<string, number>>;
}

export type FailureCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Everything a scenario can say; only what was the same in every recording is there. */
export interface ScenarioOutcome {
  readonly responses: readonly RecordedAnswer[];
  /** Requests by time of answer; the order inside a group means nothing. */
  readonly completion?: readonly (readonly number[])[];
  readonly stats?: Readonly<Record<string, RecordedStatistics>>;
  /** Non-zero `nv_inference_request_failure` by model and reason. */
  readonly failures?: FailureCounts;
  readonly index?: readonly unknown[];
}

export interface Scenario {
  readonly name: string;
  readonly server: ScenarioServer;
  readonly steps: readonly ScenarioStep[];
  readonly outcome: ScenarioOutcome;
  readonly outcome_2_73?: ScenarioOutcome;
}

export interface ScenarioFile {
  readonly topic: string;
  readonly scenarios: readonly Scenario[];
}

/** What a scenario did on this server. */
export interface Replay {
  readonly answers: readonly ReplayedAnswer[];
  readonly stats: Readonly<Record<string, RecordedStatistics>>;
  readonly failures: FailureCounts;
  readonly index: readonly unknown[];
}

export interface ReplayedAnswer extends RecordedAnswer {
  readonly elapsedMs: number;
  /** Milliseconds since the start of the scenario. */
  readonly answeredMs: number;
}
