import type { Arns } from '../arn.ts';
import { ServiceError, validationException } from '../errors.ts';
import type { Database } from '../store/index.ts';
import type { Tags } from './tags.ts';

export interface Resource<Definition> {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  /** The create call's input, tags left out. */
  readonly definition: Definition;
}

interface Row {
  name: string;
  arn: string;
  created_ms: number;
  definition: string;
}

export interface ResourceTableOptions {
  readonly database: Database;
  readonly table: 'models' | 'endpoint_configs';
  readonly kind: 'model' | 'endpoint-config';
  /** `model`, `endpoint configuration`: how AWS's messages call it. */
  readonly label: string;
  readonly maxCount: number;
  readonly arns: Arns;
  readonly tags: Tags;
  readonly now: () => number;
}

/** Models, or endpoint configurations: written once, read, deleted. */
export class ResourceTable<Definition> {
  readonly #options: ResourceTableOptions;

  constructor(options: ResourceTableOptions) {
    this.#options = options;
  }

  /** Keeps `definition` under `name`; its ARN. Throws ValidationException for a name that is taken, ResourceLimitExceeded. */
  create(name: string, definition: Definition, tags: unknown): string {
    const { database, table, kind, label, maxCount, arns, now } = this.#options;
    const arn = arns.resource(kind, name);
    database.transaction(() => {
      if (this.find(name)) throw validationException(`Cannot create already existing ${label} "${arn}".`);
      const count = Number(database.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n ?? 0);
      if (count >= maxCount) {
        throw new ServiceError(
          'ResourceLimitExceeded',
          `This host keeps at most ${maxCount} resources of type ${label}.`,
        );
      }
      database.run(`INSERT INTO ${table} VALUES (?, ?, ?, ?)`, name, arn, now(), JSON.stringify(definition));
      this.#options.tags.add(arn, tags);
    });
    return arn;
  }

  find(name: string): Resource<Definition> | undefined {
    const row = this.#options.database.get<Row>(`SELECT * FROM ${this.#options.table} WHERE name = ?`, name);
    return row && fromRow<Definition>(row);
  }

  /** Throws ValidationException `Could not find …`. */
  get(name: string): Resource<Definition> {
    const { label, arns, kind } = this.#options;
    const found = this.find(name);
    if (!found) throw validationException(`Could not find ${label} "${arns.resource(kind, name)}".`);
    return found;
  }

  delete(name: string): void {
    const { database, table, tags } = this.#options;
    database.transaction(() => {
      const { arn } = this.get(name);
      tags.removeAll(arn);
      database.run(`DELETE FROM ${table} WHERE name = ?`, name);
    });
  }

  all(): Resource<Definition>[] {
    return this.#options.database
      .all<Row>(`SELECT * FROM ${this.#options.table}`)
      .map((row) => fromRow<Definition>(row));
  }
}

function fromRow<Definition>(row: Row): Resource<Definition> {
  return {
    name: row.name,
    arn: row.arn,
    createdMs: row.created_ms,
    definition: JSON.parse(row.definition) as Definition,
  };
}
