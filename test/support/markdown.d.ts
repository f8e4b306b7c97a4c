declare module '*.md?raw' {
  const text: string;
  export default text;
}

declare module '*.ts?raw' {
  const text: string;
  export default text;
}

declare module '*.py?raw' {
  const text: string;
  export default text;
}

declare module '*.toml?raw' {
  const text: string;
  export default text;
}

declare module '*.ndjson?raw' {
  const text: string;
  export default text;
}

// Declaration merging needs an interface.
// oxlint-disable-next-line typescript/consistent-type-definitions
interface ImportMeta {
  /** Vite: returns the texts of files. */
  glob(
    patterns: readonly string[],
    options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true },
  ): Readonly<Record<string, string>>;
  /** Vite: returns the exports of modules. */
  glob(
    patterns: readonly string[],
    options: { readonly eager: true },
  ): Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Vite: returns a function for each path that imports the file. */
  glob(patterns: readonly string[]): Readonly<Record<string, () => Promise<unknown>>>;
}
