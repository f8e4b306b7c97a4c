import { expect, it } from 'vitest';
import { sampleTool } from '../../../../../src/dashboard/data/tools/sample-tool.ts';

const tool = (id: string, amount: string, others = {}) => ({
  ...{ id, amount, url: `https://gateway.example/tools/${id}`, method: 'GET' },
  ...{ settlement: 'deferred', ...others },
});
const TOOLS = [
  tool('dear', '5000'),
  tool('cheap', '1000'),
  tool('post', '1', { method: 'POST' }),
  tool('free', '0', { settlement: 'free' }),
  tool('card', '1', { settlement: 'card', asset: 'iso4217:USD' }),
  tool('part', '1', { url: 'https://gateway.example/tools/{part}' }),
];

it.each([
  ['the cheapest tool that a GET pays for', {}, 'cheap'],
  ['only a tool that the grant allows', { tools: ['dear'] }, 'dear'],
  ['no tool above the limit of a call', { perCall: 999n }, undefined],
])('suggests %s', (_, terms, id) => {
  expect(sampleTool(TOOLS, terms)?.id).toBe(id);
});
