/** Something that wants to know when its connection is lost. */
export interface ConnectionUser {
  connectionLost(): void;
}

/** The requests in flight of one connection: one, unless its client sends the next before it has the answer. */
export class ConnectionUsers {
  #first: ConnectionUser | undefined;
  #others: Set<ConnectionUser> | undefined;

  add(user: ConnectionUser): void {
    if (this.#first === undefined) {
      this.#first = user;
      return;
    }
    this.#others ??= new Set();
    this.#others.add(user);
  }

  delete(user: ConnectionUser): void {
    if (this.#first === user) this.#first = undefined;
    else this.#others?.delete(user);
  }

  /** Tells everybody, once. */
  connectionLost(): void {
    const users = [this.#first, ...(this.#others ?? [])];
    this.#first = undefined;
    this.#others = undefined;
    for (const user of users) user?.connectionLost();
  }
}
