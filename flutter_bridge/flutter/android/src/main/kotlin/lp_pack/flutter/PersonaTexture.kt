package lp_pack.flutter

import android.view.Surface
import io.flutter.view.TextureRegistry

/** A Flutter texture that shows a session's latest picture; all methods on the main thread. */
internal class PersonaTexture private constructor(
    private val producer: TextureRegistry.SurfaceProducer,
    private var handle: Long
) : TextureRegistry.SurfaceProducer.Callback {

    val id: Long get() = producer.id()

    init {
        producer.setSize(width(handle), height(handle))
        producer.setCallback(this)
        setSurface(handle, producer.surface)
    }

    /** The app came back: the old surface is gone, this one is empty. */
    override fun onSurfaceAvailable() {
        if (handle != 0L) setSurface(handle, producer.surface)
    }

    /** The surface is about to go: nothing may be drawn on it after this returns. */
    override fun onSurfaceCleanup() {
        if (handle != 0L) setSurface(handle, null)
    }

    fun redraw() {
        if (handle != 0L) redraw(handle)
    }

    fun stop() {
        if (handle == 0L) return
        producer.setCallback(null)
        close(handle)
        handle = 0L
        producer.release()
    }

    companion object {
        init {
            System.loadLibrary("lp_pack_flutter")
        }

        /** Shows the session of this ticket; null when it is closed. */
        fun of(registry: TextureRegistry, session: Long): PersonaTexture? {
            val handle = open(session)
            if (handle == 0L) return null
            return PersonaTexture(registry.createSurfaceProducer(), handle)
        }

        @JvmStatic private external fun open(session: Long): Long
        @JvmStatic private external fun width(handle: Long): Int
        @JvmStatic private external fun height(handle: Long): Int
        @JvmStatic private external fun setSurface(handle: Long, surface: Surface?)
        @JvmStatic private external fun redraw(handle: Long)
        @JvmStatic private external fun close(handle: Long)
    }
}
