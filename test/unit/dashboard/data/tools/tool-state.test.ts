import { expect, it } from 'vitest';
import { toolState } from '../../../../../src/dashboard/data/tools/tool-state.ts';

const tool = { disabled: false, health: 'unknown', spend: [] };
const spend = [{ calls: 1 }];

it.each([
  ['faulty', { fault: 'has no upstream', disabled: true, health: 'working' }],
  ['off', { disabled: true, health: 'working' }],
  ['working', { health: 'working' }],
  ['failing', { health: 'failing', spend }],
  ['no calls', {}],
  ['unknown', { spend }],
])('calls a tool %s', (state, difference) => {
  expect(toolState({ ...tool, ...difference })).toBe(state);
});
