/** First in, first out, without moving elements on every removal. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  /** The item `index` places behind the first one. */
  at(index: number): Item | undefined {
    return this.#items[this.#head + index];
  }

  shift(): Item | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 512 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes out every item that `matches`; the order of the others stays. */
  extract(matches: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    const kept: Item[] = [];
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index] as Item;
      if (matches(item)) taken.push(item);
      else kept.push(item);
    }
    if (taken.length > 0) {
      this.#items = kept;
      this.#head = 0;
    }
    return taken;
  }
}
