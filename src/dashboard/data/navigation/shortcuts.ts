/** A page that `g` and then a letter opens. */
export type Shortcut = { readonly letter: string; readonly path: string; readonly name: string };

/** Gives each page the first letter of its name that no page before it has. */
export const shortcutsOf = (
  pages: readonly { readonly path: string; readonly name?: string }[],
): readonly Shortcut[] => {
  const taken = new Set<string>();
  return pages.flatMap(({ path, name }) => {
    const letter = [...(name ?? '').toLowerCase()].find(
      (each) => /[a-z]/.test(each) && !taken.has(each),
    );
    if (name === undefined || letter === undefined) return [];
    taken.add(letter);
    return [{ letter, path, name }];
  });
};
