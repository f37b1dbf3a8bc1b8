import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionUsers } from './connection-users.ts';

test('those that use a connection when it is lost are told, once', () => {
  const told: string[] = [];
  const user = (name: string) => ({ connectionLost: () => void told.push(name) });
  const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map(user);
  const users = new ConnectionUsers();
  for (const one of [first, second, third]) users.add(one!);
  users.delete(first!);
  users.delete(second!);
  users.add(fourth!);
  users.connectionLost();
  assert.deepEqual(told.sort(), ['fourth', 'third']);
  users.connectionLost();
  assert.equal(told.length, 2);
});
