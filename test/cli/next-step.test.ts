import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { commands } from '../../src/cli/commands.ts';
import { type CommandSpec, loadCommands } from '../../src/cli/lib/command.ts';
import { problemError } from '../../src/cli/lib/errors.ts';
import { denialWords } from '../../src/policy/denial-words.ts';

const CLI = join(ROOT, 'src/cli');
const specs = await loadCommands(commands, 'all');

const AGENT = 'eip155:84532:0x1ed8cf360a513ce0b54436a00fce38477211e974';

const denied = (rule: string, more: object = {}) =>
  problemError(403, {
    ...{ type: 'urn:countersign:problem:denied', title: 'Denied', detail: '', status: 403 },
    ...{ rule, account: AGENT, price: '1000', hint: 'The hint of the gateway.' },
    ...more,
  });

/** The command that a text in backticks names; undefined if the command or one of its options does not exist. */
const commandIn = (line: string): CommandSpec | undefined => {
  const [, ...words] = line.split(/\s+/);
  let found = specs.find(({ name }) => name === words[0]);
  if (found?.commands !== undefined && words[1] !== undefined && !words[1].startsWith('<'))
    found = found.commands.find(({ name }) => name === words[1]);
  const known = (found?.options ?? []).flatMap(({ flags }) => flags.split(/[ ,]+/));
  const shared = ['--as', '--gateway', '--password-file', '--json', '--no-color', '--help'];
  const isKnown = words
    .filter((word) => word.startsWith('--'))
    .every((word) => [...known, ...shared].includes(word.split('=')[0] ?? ''));
  return isKnown ? found : undefined;
};

const commandsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`(countersign [^`…]*)[`…]/g)].map(([, line]) => line ?? '');

/** Denials without a command that helps: the caller must wait, or sign the same call again. */
const GATEWAY_HINT = new Set([
  ...['not_yet', 'rate', 'repeat', 'binding', 'validity', 'suspended', 'nonce_used'],
  ...['unreachable', 'denial_rate', 'failure_rate', 'screening'],
]);

describe('a denial', () => {
  test.each(Object.keys(denialWords))('by %s names what mends it', (rule) => {
    for (const more of [{}, { grant: `0x${'1'.repeat(64)}` }, { retry_after: 30 }]) {
      const { hint } = denied(rule, more);
      if (GATEWAY_HINT.has(rule)) expect(hint).toBe('The hint of the gateway.');
      else if (rule !== 'penniless' && rule !== 'approval')
        expect(commandsIn(hint).length, hint).toBeGreaterThan(0);
      for (const line of commandsIn(hint)) expect(commandIn(line), line).toBeDefined();
    }
  });

  const GRANT = { grant: `0x${'1'.repeat(64)}` };
  const LIMIT = { limit: '50000', spent: '49500', held: '0', remaining: '500', tool: 'lookup' };
  const ADDRESS = '0x1ed8cf360a513ce0b54436a00fce38477211e974';

  test.each([
    ['per_call', {}, `policy set ${ADDRESS} --per-call 0.001`],
    ['tool', {}, `policy set ${ADDRESS} --tools +lookup`],
    ['window', { window: 86_400 }, `policy set ${ADDRESS} --per-day 0.0505`],
    ['window', { window: 3_600 }, `policy set ${ADDRESS} --per-hour 0.0505`],
    ['lifetime', {}, `policy set ${ADDRESS} --lifetime 0.0505`],
    ['debt', {}, `credits top-up 0.0495 --to ${ADDRESS}`],
    ['credit', {}, `credits top-up 0.0005 --to ${ADDRESS}`],
    ['credit', { authority: GRANT.grant }, `credits top-up 0.0005 --to ${ADDRESS}`],
    ['exposure', {}, `credits top-up 0.001 --to ${ADDRESS}`],
  ])('by %s with %j names the smallest change', (rule, more, line) => {
    expect(commandsIn(denied(rule, { ...LIMIT, ...more }).hint)[0]).toBe(`countersign ${line}`);
  });

  test.each(['per_call', 'tool', 'window', 'lifetime', 'expired', 'payee'])(
    'by the %s of a grant asks for a grant of this call alone: a grant cannot be widened',
    (rule) => {
      expect(denied(rule, { ...LIMIT, ...GRANT }).hint).toContain(
        `countersign grant ${ADDRESS} --tools lookup --total 0.001 --beside\``,
      );
    },
  );

  test('names an account as this machine does', () => {
    const body = { type: 'urn:countersign:problem:denied', rule: 'tool', account: AGENT };
    const { hint } = problemError(403, { ...body, tool: 'lookup' }, (of) =>
      of === AGENT ? 'team/alice' : undefined,
    );
    expect(hint).toContain('`countersign policy set team/alice --tools +lookup`');
  });

  test('puts no text of a gateway into a command that could be more than a word', () => {
    const { hint } = denied('tool', { tool: '$(rm -rf ~)', account: 'x`; reboot' });
    expect(hint).toContain('countersign policy set <account> --tools +<tool>');
  });

  test('by the revocation of an account advises no new grant to it', () => {
    expect(denied('revoked', { grant: `0x${'1'.repeat(64)}` }).hint).toContain('countersign grant');
    expect(denied('revoked').hint).toContain('countersign fleet new');
  });
});

test('keeps the hint of a problem that it does not know', () => {
  const error = problemError(400, { type: 'urn:countersign:problem:new', hint: 'Do this.' });
  expect(error.hint).toBe('Do this.');
});

type Hint = { readonly file: string; readonly text: string };

/** The source text of every usage error's and every CliError's hint. */
const hints = async (): Promise<readonly Hint[]> => {
  const files = (await readdir(CLI, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const found: Hint[] = [];
  for (const file of files) {
    const source = await readFile(join(CLI, file), 'utf8');
    const add = (node: { readonly start: number; readonly end: number } | undefined): void => {
      if (node !== undefined) found.push({ file, text: source.slice(node.start, node.end) });
    };
    new Visitor({
      CallExpression: ({ callee, arguments: given }) => {
        if (callee.type === 'Identifier' && callee.name === 'usageError') add(given[1]);
      },
      Property: ({ key, value }) => {
        if (key.type === 'Identifier' && key.name === 'hint') add(value);
      },
    }).visit(parseSync(file, source).program);
  }
  return found;
};

/** A hint that names no valid value or command, e.g. "Correct the path." */
const DEAD_END =
  /^['"`](?:(?:Correct|Check|Choose|Change|Name|Try) (?:[\w-]+ ){0,4}[\w-]+|Give (?:\w+ ){0,4}\w+)\.['"`]$/;

test('ends no error in a dead end', async () => {
  const all = await hints();
  expect(all.length).toBeGreaterThan(90);
  for (const { file, text } of all) {
    expect(text, file).not.toMatch(DEAD_END);
    expect(text.length, `${file}: ${text}`).toBeGreaterThan(3);
  }
});

test('names in its messages only commands and options that exist', async () => {
  const files = (await readdir(CLI, { recursive: true })).filter((file) => file.endsWith('.ts'));
  let count = 0;
  for (const file of files) {
    const source = (await readFile(join(CLI, file), 'utf8')).replaceAll('\\`', '`');
    for (const [, line = ''] of source.matchAll(
      /`(countersign (?!complete )[a-z][^`…$]*)(?=[`…$])/g,
    )) {
      expect(commandIn(line.trim()), `${file}: ${line}`).toBeDefined();
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(30);
});
