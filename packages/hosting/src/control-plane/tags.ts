import { ServiceError, validationException } from '../errors.ts';
import type { Database } from '../store/index.ts';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

const MAX_TAGS = 50;

/** Tags of resources, in the order in which they were given. */
export class Tags {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds tags (as the model checked them), or replaces values of keys that are there. Throws for reserved or repeated keys and for more than 50. */
  add(resourceArn: string, input: unknown): Tag[] {
    const tags = (input ?? []) as readonly Tag[];
    const keys = tags.map((tag) => tag.Key);
    if (new Set(keys).size < keys.length) throw validationException('Tag keys must be unique within the request.');
    const reserved = keys.find((key) => /^aws:/i.test(key));
    if (reserved !== undefined) {
      throw validationException(`Tag keys starting with 'aws:' are reserved: '${reserved}' cannot be set.`);
    }
    return this.#database.transaction(() => {
      for (const { Key, Value } of tags) {
        const replaced = this.#database.run(
          'UPDATE tags SET value = ? WHERE resource_arn = ? AND key = ?',
          Value,
          resourceArn,
          Key,
        );
        if (replaced > 0) continue;
        this.#database.run(
          'INSERT INTO tags SELECT ?, coalesce(max(position), 0) + 1, ?, ? FROM tags WHERE resource_arn = ?',
          resourceArn,
          Key,
          Value,
          resourceArn,
        );
      }
      const all = this.list(resourceArn);
      if (all.length > MAX_TAGS) {
        throw new ServiceError('ResourceLimitExceeded', `A resource can have at most ${MAX_TAGS} tags.`);
      }
      return all;
    });
  }

  list(resourceArn: string): Tag[] {
    return this.#database
      .all<{ key: string; value: string }>(
        'SELECT key, value FROM tags WHERE resource_arn = ? ORDER BY position',
        resourceArn,
      )
      .map(({ key, value }) => ({ Key: key, Value: value }));
  }

  remove(resourceArn: string, keys: readonly string[]): void {
    for (const key of keys) this.#database.run('DELETE FROM tags WHERE resource_arn = ? AND key = ?', resourceArn, key);
  }

  removeAll(resourceArn: string): void {
    this.#database.run('DELETE FROM tags WHERE resource_arn = ?', resourceArn);
  }
}
