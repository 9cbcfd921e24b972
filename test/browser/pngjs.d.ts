/** The little of pngjs that is used here. */
declare module 'pngjs' {
  export class PNG {
    width: number;
    height: number;
    data: Buffer;
    static sync: { read(file: Buffer): PNG };
  }
}
