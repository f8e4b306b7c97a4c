declare module '*.md?raw' {
  const text: string;
  export default text;
}

declare module '*.ts?raw' {
  const text: string;
  export default text;
}

declare module '*.toml?raw' {
  const text: string;
  export default text;
}

// Declaration merging needs an interface.
// oxlint-disable-next-line typescript/consistent-type-definitions
interface ImportMeta {
  /** Vite's, for the texts of files. */
  glob(
    patterns: readonly string[],
    options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true },
  ): Readonly<Record<string, string>>;
  /** The exports of modules. */
  glob(
    patterns: readonly string[],
    options: { readonly eager: true },
  ): Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The paths of files alone: each value would import its file. */
  glob(patterns: readonly string[]): Readonly<Record<string, () => Promise<unknown>>>;
}
