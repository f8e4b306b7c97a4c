import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pipe } from './support/command.ts';
import { useHome } from './support/home.ts';
import { putFleet, putKey, SOME_KEY } from './support/keys.ts';

const home = useHome();

const offered = async (...words: readonly string[]): Promise<readonly string[]> => {
  const { stdout, stderr } = await pipe(home(), ['complete', '--', ...words]);
  expect(stderr).toBe('');
  return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
};

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

test.each(['bash', 'zsh', 'fish'])('prints a completion script that %s parses', async (shell) => {
  const { code, stdout, stderr } = await pipe(home(), ['completion', shell]);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toContain('__countersign_run complete -- ');
  if (!has(shell)) return;
  const read = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
  expect(read.stderr).toBe('');
  expect(read.status).toBe(0);
});

test('never lets bash evaluate the typed words (CWE-78)', async () => {
  const { stdout } = await pipe(home(), ['completion', 'bash']);
  expect(stdout).toContain("printf '%q '");
  if (!has('bash')) return;
  const kept = join(home().directory, 'kept');
  await writeFile(kept, 'precious');
  const typed = `countersign spend '>' ${kept} '$(touch ${kept}.owned)' --by`;
  const read = spawnSync('bash', {
    encoding: 'utf8',
    input: `${stdout}
      _get_comp_words_by_ref() { words=("\${COMP_WORDS[@]}"); cur=; }
      compopt() { :; }
      countersign() { printf '%s\\t\\n' 'a day' "got-$#"; echo :4; }
      COMP_WORDS=(${typed} ''); COMP_CWORD=6
      __countersign_complete; printf '%s\\n' "\${COMPREPLY[@]}"`,
  });
  expect(read.stdout).toContain('got-9');
  expect(await readdir(home().directory)).toEqual(['kept']);
  expect(await readFile(kept, 'utf8')).toBe('precious');
});

test('completes commands, options and their values', async () => {
  expect(await offered('')).toEqual(
    expect.arrayContaining(['init', 'doctor', 'call', 'keys', 'fleet']),
  );
  expect(await offered('keys', '')).toEqual(
    expect.arrayContaining(['new', 'list', 'export', 'import']),
  );
  expect(await offered('call', '--')).toEqual(
    expect.arrayContaining(['--request', '--dry-run', '--max', '--as', '--json']),
  );
  expect(await offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
});

test('ignores repeated empty words', async () => {
  expect(await offered('keys', '', '')).toEqual(await offered('keys', ''));
});

test('completes key names without decrypting a key', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  expect(await offered('call', '--as', '')).toContain('treasury');
});

test('completes agents of fleets, and fleets where a command takes one', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  await putFleet(home(), 'team', ['alice', 'bob']);
  for (const words of [
    ['call', '--as', ''],
    ['accounts', 'show', ''],
    ['grant', ''],
    ['tail', ''],
  ])
    expect(await offered(...words), words.join(' ')).toEqual(
      expect.arrayContaining(['treasury', 'team/alice', 'team/bob']),
    );
  expect(await offered('grant', 'team/a')).toEqual(['team/alice', ':4', '']);
  expect(await offered('fleet', 'budget', '')).toEqual(['team', ':4', '']);
  // The option `--to` of a list takes a time, not an account.
  expect(await offered('calls', 'list', '--to', '')).not.toContain('treasury');
});

test('completes tools of the file here, and drops ids that a shell would expand', async () => {
  const tools = [{ id: 'lookup' }, { id: '$(touch owned)' }, { id: 'a b' }, { id: 'search.web' }];
  await writeFile(join(home().directory, 'tools.json'), JSON.stringify({ tools }));
  expect(await offered('tools', 'disable', '')).toEqual(['lookup', 'search.web', ':4', '']);
  expect(await offered('calls', 'list', '--tool', 'se')).toEqual(['search.web', ':4', '']);
  expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish', ':4', '']);
});

test('answers without a damaged key file, and without a word on stderr', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  await writeFile(join(home().home, 'keys', 'broken.json'), '{');
  expect(await offered('keys', '')).toContain('new');
  await offered('call', '--as', '');
});

test('completes npx countersign in bash, also without the package bash-completion', async () => {
  if (!has('bash')) return;
  const { stdout } = await pipe(home(), ['completion', 'bash']);
  const bin = join(home().directory, 'bin');
  await mkdir(bin);
  // The command of a project is not in PATH: bash must call it through npx.
  await writeFile(join(bin, 'npx'), '#!/bin/sh\nprintf "%s\\t\\n" "$*"; echo :4\n', {
    mode: 0o755,
  });
  const complete = (line: string) => {
    const words = line.split(' ');
    return spawnSync('/bin/bash', ['--norc'], {
      encoding: 'utf8',
      env: { PATH: `${bin}:/usr/bin:/bin` } as unknown as NodeJS.ProcessEnv,
      input: `${stdout}
        compopt() { :; }
        compgen() { printf '%s\\n' "$2"; }
        COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
        COMP_LINE='${line}'; COMP_POINT=${line.length}
        __countersign_npx; printf '%s\\n' "\${COMPREPLY[*]}"`,
    }).stdout.trim();
  };
  expect(complete('npx countersign keys ')).toBe('--no-install countersign complete -- keys');
  expect(complete('npx countersign call --as t')).toBe(
    '--no-install countersign complete -- call --as t',
  );
  expect(complete('npx vitest run ')).toBe('');
});
