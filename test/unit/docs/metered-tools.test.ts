import { expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import tools from '../../../docs/tools.md?raw';
import { readMeter } from '../../../src/catalog/metered-price.ts';
import { parseTool } from '../../../src/catalog/schema.ts';
import { USAGE_PRESETS } from '../../../src/catalog/usage-presets.ts';
import { unitsOf } from '../../../src/protocol/meter/meter.ts';

const [, section = ''] = tools.split('## How do I charge by the token?');
const examples = [...section.matchAll(/```json\n([^`]+)```/g)].map(([, text = '']) => text);

const meterOf = (document: unknown) => {
  const parsed = parseTool(document, 'public');
  const read = parsed.ok ? readMeter(parsed.value) : parsed;
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value.meter;
};

const [example, responses] = examples;
const chat = JSON.parse(example ?? '') as { readonly price: { readonly meter: object } };

it('shows a metered tool that the gateway reads', () => {
  expect(meterOf(chat)).toMatchObject({ usage: USAGE_PRESETS.openai, rates: 'not sold' });
});

it('shows a source of usage that the gateway reads', () => {
  const { price, ...tool } = chat;
  const { includeUsage: _added, ...meter } = price.meter as { includeUsage?: true };
  const { usage } = JSON.parse(`{${responses}}`) as { readonly usage: unknown };
  expect(meterOf({ ...tool, price: { ...price, meter: { ...meter, usage } } })?.usage).toEqual(
    usage,
  );
});

it('names the units of each preset', () => {
  for (const [name, usage] of Object.entries(USAGE_PRESETS)) {
    const [row = ''] = new RegExp(`^\\| \`"${name}"\` \\|.*$`, 'm').exec(section) ?? [];
    for (const unit of unitsOf(usage)) expect(row, `${name} ${unit}`).toContain(`\`${unit}\``);
  }
});
