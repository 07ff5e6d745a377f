// An activity: the returned value is the function's `ok`, a thrown one its `err`.

export const text = {
  shout(s) {
    if (s === "") {
      throw "nothing to shout";
    }
    return s.toUpperCase() + "!";
  },
};
