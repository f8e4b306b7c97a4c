import { expect, test } from 'vitest';
import { openChainHealth } from '../../../../src/settlement/chain/health.ts';

const BASE = 'eip155:8453';
const SEPOLIA = 'eip155:84532';
const NOW = 1_000_000;

test('a chain without record may be tried', () => {
  expect(openChainHealth().silentFor(BASE, NOW)).toBeUndefined();
});

test('counts two unanswered batches in a row as an outage, of that chain alone', () => {
  const health = openChainHealth();
  health.note(BASE, false, NOW);
  expect(health.silentFor(BASE, NOW)).toBeUndefined();
  health.note(BASE, false, NOW + 1);
  expect(health.silentFor(BASE, NOW + 1)).toBe(5);
  expect(health.silentFor(SEPOLIA, NOW + 1)).toBeUndefined();
});

test('starts counting anew after an answer', () => {
  const health = openChainHealth();
  health.note(BASE, false, NOW);
  health.note(BASE, true, NOW);
  health.note(BASE, false, NOW);
  expect(health.silentFor(BASE, NOW)).toBeUndefined();
});

test('after a pause one more unanswered batch starts a new pause, and one answer ends it', () => {
  const health = openChainHealth();
  health.note(BASE, false, NOW);
  health.note(BASE, false, NOW);
  expect(health.silentFor(BASE, NOW + 4)).toBe(1);
  expect(health.silentFor(BASE, NOW + 5)).toBeUndefined();
  health.note(BASE, false, NOW + 6);
  expect(health.silentFor(BASE, NOW + 6)).toBe(5);
  health.note(BASE, true, NOW + 7);
  expect(health.silentFor(BASE, NOW + 7)).toBeUndefined();
});

test('a clock that is set back lengthens no pause', () => {
  const health = openChainHealth();
  health.note(BASE, false, NOW);
  health.note(BASE, false, NOW);
  expect(health.silentFor(BASE, NOW - 3_600)).toBe(5);
});

test('lets one caller try a silent chain after each pause, so that an outage holds no other request', () => {
  const health = openChainHealth();
  expect([health.admits(BASE, NOW), health.admits(BASE, NOW)]).toEqual([true, true]);
  health.note(BASE, false, NOW);
  health.note(BASE, false, NOW);
  expect(health.admits(BASE, NOW + 4)).toBe(false);
  expect([health.admits(BASE, NOW + 5), health.admits(BASE, NOW + 5)]).toEqual([true, false]);
  health.note(BASE, true, NOW + 6);
  expect([health.admits(BASE, NOW + 6), health.admits(BASE, NOW + 6)]).toEqual([true, true]);
});
