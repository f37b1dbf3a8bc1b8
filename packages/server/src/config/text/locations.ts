import { type FieldPath, type PathSegment, printFieldPath } from '../field-path.ts';
import type { TextPosition } from './problem.ts';

/** Where each field of a parsed configuration stands in its text. */
export class TextLocations {
  readonly #positions = new Map<string, TextPosition>();
  readonly #path: PathSegment[] = [];

  /** Position of the field, or of the nearest field around it that the text has; undefined when there is none. */
  find(path: FieldPath): TextPosition | undefined {
    for (let length = path.length; length > 0; length--) {
      const position = this.#positions.get(printFieldPath(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return undefined;
  }

  /** For the parser: goes into a field and notes where it starts. A field that comes in pieces keeps its first place. */
  enter(segments: readonly PathSegment[], position: TextPosition): void {
    for (const segment of segments) {
      this.#path.push(segment);
      const key = printFieldPath(this.#path);
      if (!this.#positions.has(key)) this.#positions.set(key, position);
    }
  }

  /** For the parser: undoes `enter`. */
  leave(segmentCount: number): void {
    this.#path.length -= segmentCount;
  }
}
