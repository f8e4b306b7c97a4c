import { expect, test } from 'vitest';
import { readQueueName } from '../../../src/settlement/queue-name.ts';

test.each([
  ['countersign-settlement', { kind: 'settlement', isDead: false }],
  ['countersign-webhooks-dead', { kind: 'webhooks', isDead: true }],
  ['shop-countersign-audit', { kind: 'audit', isDead: false }],
  ['shop-countersign-settlement-dead', { kind: 'settlement', isDead: true }],
])('reads %s as a queue of the gateway, whatever project it belongs to', (name, own) => {
  expect(readQueueName(name)).toEqual(own);
});

test.each(['', 'audit', 'shop-audit', 'countersign', 'countersign-audit-2', 'xcountersign-audit'])(
  'leaves the queue %j to the application that mounts the gateway',
  (name) => {
    expect(readQueueName(name)).toBeUndefined();
  },
);
