import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A link that saves bytes as a file. */
export const FileLink = ({
  bytes,
  name,
  children,
}: {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly children: ComponentChildren;
}) => {
  const [url, setUrl] = useState('');
  useEffect(() => {
    // Attack: with the type that the tool names, a browser could show HTML of the tool at this origin (CWE-79). No browser shows this type.
    const made = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes]);
  return (
    <a class="file" href={url} download={name}>
      {children}
    </a>
  );
};
