// Exact tiles and flat blocks of a picture, laid over the learned one, or alone (FORMAT.md section 5): a row of tiles at a time.
#pragma once

#include <vector>

#include "container.h"
#include "flats.h"
#include "squares.h"

namespace hpcm {

class ExactTiles {
public:
    // `wanted`: the rectangle of the picture that is asked for. `on_top`: tiles that need the learned picture count too.
    ExactTiles(const Container& file, const Region& wanted, bool on_top);

    // What of the learned picture has to be there: the wanted rectangle, extended to whole tiles where one needs the picture below.
    const Region& below() const { return below_; }
    // Memory with so many tiles decoded at a time, and the most that make sense.
    double bytes(int workers) const;
    int most_workers() const;

    // Takes rows of the learned picture, colours only, of the rectangle below() from its top, and hands on those of the wanted
    // rectangle with their alpha. Fails with `corrupt` for damaged tiles.
    void start(int workers, SampleRows<uint16_t> rows);
    void take(int64_t y, int64_t count, const uint16_t* colours);
    // The same where there is no learned picture: one row of tiles after another; progress that gives false stops it.
    void run(const std::function<bool(double)>& progress);

private:
    Region tile(uint64_t index) const;
    size_t first_part(uint64_t index) const;
    void begin_band();
    void finish_band();
    void decode(size_t part);
    void lay(const ExactPart& part, const Region& at, const std::vector<uint16_t>& samples);
    void lay_flats();
    void hand_on();

    const Container& file_;
    Flats flats_;
    Region wanted_, below_;
    bool on_top_;
    int64_t columns_, tile_width_, tile_height_;
    int colours_, last_;
    int workers_ = 1;
    SampleRows<uint16_t> rows_;
    int64_t top_ = 0, bottom_ = 0;  // of the band in the picture
    std::vector<uint16_t> band_, alpha_, joined_;
};

}  // namespace hpcm
