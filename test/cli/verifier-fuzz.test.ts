import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { fuzzedExport, randomOf } from '../support/export-fuzz.ts';
import { loadExport } from '../support/export-texts.ts';
import { isMissing, verdictsOf, why } from './support/python-verifier.ts';

/** `COUNTERSIGN_SEED=7 COUNTERSIGN_EXPORTS=1` repeats one export; `COUNTERSIGN_EXPORTS=2000` tries more. */
const FROM = Number(process.env['COUNTERSIGN_SEED'] ?? 1);
const EXPORTS = Number(process.env['COUNTERSIGN_EXPORTS'] ?? 500);

test.skipIf(isMissing)(
  `both verifiers give ${EXPORTS} changed exports the same status, exit code and named entries${why}`,
  { timeout: 900_000 },
  async () => {
    const original = await loadExport();
    const directory = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
    const differences: unknown[] = [];
    const codes = new Map<unknown, number>();
    try {
      for (let seed = FROM; seed < FROM + EXPORTS && differences.length < 20; seed += 1) {
        const folder = join(directory, String(seed));
        for (const [name, content] of await fuzzedExport(original, randomOf(seed))) {
          mkdirSync(dirname(join(folder, name)), { recursive: true });
          writeFileSync(join(folder, name), content);
        }
        const [typescript, python] = await verdictsOf(folder);
        const { code } = typescript as { readonly code: number };
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (!isDeepStrictEqual(typescript, python))
          differences.push([seed, ...differing(typescript, python)]);
        rmSync(folder, { recursive: true });
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    expect(differences).toEqual([]);
    if (EXPORTS < 500) return;
    // Without a pinned key, the changes must reach every exit code: broken, something missing, wrong usage, open.
    for (const code of [1, 2, 3, 4])
      expect([code, codes.get(code)]).toEqual([code, expect.any(Number)]);
  },
);

/** The members in which two reports differ, short enough for the output of a failed test. */
const differing = (one: unknown, other: unknown, name = ''): readonly string[] => {
  if (isDeepStrictEqual(one, other)) return [];
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return [`${name}: ${JSON.stringify(one)} in TypeScript, ${JSON.stringify(other)} in Python`];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) =>
    differing(Reflect.get(one, key), Reflect.get(other, key), `${name}/${key}`),
  );
};
